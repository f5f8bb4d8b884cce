"""The schema of a resource, made from its Struct.

Structural, as https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/ demands: every
type said, every default where the API server fills it in, every bound, every rule.
"""

import inspect
from collections.abc import Mapping

import msgspec
from msgspec import NODEFAULT
from msgspec.inspect import (
    BoolType,
    DictType,
    Field,
    IntType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from legato.settings_page import docstrings
from legato_operator.resources.fields import Rule
from legato_operator.resources.shared import Part

Document = dict[str, object]


def rules(struct: type[Part]) -> dict[str, Rule]:
    """List every rule of a resource by its name."""
    found: dict[str, Rule] = {}

    def walk(kind: Type) -> None:
        match kind:
            case StructType(cls=cls, fields=fields):
                if issubclass(cls, Part):
                    found.update({rule.name: rule for rule in cls.RULES})
                for field in fields:
                    walk(field.type)
            case Metadata(type=inner) | VarTupleType(item_type=inner):
                walk(inner)
            case UnionType(types=types):
                for one in types:
                    walk(one)

    walk(type_info(struct))
    return found


def whole(struct: type[Part]) -> Document:
    """Make the schema of a whole resource; its metadata is Kubernetes' own."""
    kind = type_info(struct)
    assert isinstance(kind, StructType)
    said = docstrings(struct)
    parts = {
        field.encode_name: _schema(field.type) | {"description": said[field.name]}
        for field in kind.fields
    }
    plain = {name: {"type": "string"} for name in ("apiVersion", "kind")}
    return {
        "description": inspect.getdoc(struct),
        "type": "object",
        "required": ["spec"],
        "properties": {**plain, "metadata": {"type": "object"}, **parts},
        **_checked(struct),
    }


def _schema(kind: Type) -> Document:
    match kind:
        case Metadata(type=inner, extra=extra):
            return _schema(inner) | _listed(inner, extra or {})
        case UnionType(types=types):
            inner = next(one for one in types if not isinstance(one, NoneType))
            return _schema(inner)
        case StructType():
            return _struct(kind)
        case VarTupleType(item_type=inner, min_length=least, max_length=most):
            bounds = _present(minItems=least, maxItems=_bound(most, kind))
            listed = _listed(kind, {})
            return {"type": "array", **bounds, **listed, "items": _schema(inner)}
        case DictType():
            return _mapping(kind)
        case StrType(min_length=least, max_length=most, pattern=pattern):
            said = _present(minLength=least, maxLength=_bound(most, kind), pattern=pattern)
            return {"type": "string", **said}
        case IntType(ge=least, le=most):
            return {"type": "integer", "format": "int64", **_present(minimum=least, maximum=most)}
        case BoolType():
            return {"type": "boolean"}
        case LiteralType(values=values):
            return {"type": "string", "enum": list(values)}
        case _:
            raise TypeError(f"no schema for {kind}")


def _struct(kind: StructType) -> Document:
    said = docstrings(kind.cls)
    properties = {}
    for field in kind.fields:
        properties[field.encode_name] = {
            "description": said[field.name],
            **_schema(field.type),
            **_default(field),
        }
    required = [field.encode_name for field in kind.fields if field.required]
    schema: Document = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    return schema | _checked(kind.cls)


def _checked(struct: type[msgspec.Struct]) -> Document:
    if not issubclass(struct, Part) or not struct.RULES:
        return {}
    checked = [{"rule": rule.holds, "message": rule.message} for rule in struct.RULES]
    return {"x-kubernetes-validations": checked}


def _mapping(kind: DictType) -> Document:
    if not isinstance(kind.value_type, StrType | Metadata):
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "type": "object",
        "maxProperties": _bound(kind.max_length, kind),
        "additionalProperties": _schema(kind.value_type),
    }


def _listed(kind: Type, extra: Mapping[str, object]) -> Document:
    """Say what makes two entries of a list the same one."""
    if not isinstance(kind, VarTupleType):
        return {}
    if key := extra.get("map_key"):
        return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}
    scalar = isinstance(kind.item_type, StrType)
    return {"x-kubernetes-list-type": "set" if scalar else "atomic"}


def _default(field: Field) -> Document:
    """Say what the API server fills in; what is empty without it stays absent."""
    if field.default is NODEFAULT or field.default in (None, "", ()):
        return {}
    return {"default": _filled(field.default)}


def _filled(value: object) -> object:
    """Write a default with all that is in it: rules are checked against it as it stands."""
    match value:
        case msgspec.Struct():
            inner = {
                field.encode_name: getattr(value, field.name)
                for field in msgspec.structs.fields(value)
            }
            return {name: _filled(one) for name, one in inner.items() if one or one in (0, False)}
        case tuple():
            return [_filled(one) for one in value]
        case _:
            return value


def _bound(most: int | None, kind: Type) -> int:
    if most is None:
        raise TypeError(f"{kind} has no bound")
    return most


def _present(**said: int | str | None) -> Document:
    return {name: value for name, value in said.items() if value is not None}
