from collections.abc import Iterator

import pytest

from legato_operator import crds, schemas

BOTH = pytest.mark.parametrize("kind", crds.KINDS, ids=lambda kind: kind.name)


def _schema(kind: crds.Kind) -> dict[str, object]:
    versions = crds.document(kind)["spec"]["versions"]  # type: ignore[index]
    found: dict[str, object] = versions[0]["schema"]["openAPIV3Schema"]
    return found


def _walk(schema: dict[str, object], path: str = "") -> Iterator[tuple[str, dict[str, object]]]:
    yield path, schema
    for name, inner in (schema.get("properties") or {}).items():  # type: ignore[attr-defined]
        yield from _walk(inner, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(name), dict):
            yield from _walk(inner, f"{path}[]")


@BOTH
def test_every_text_and_list_of_a_spec_is_bounded(kind: crds.Kind) -> None:
    bound = {"string": {"maxLength", "enum"}, "array": {"maxItems"}}

    endless = [
        path
        for path, schema in _walk(_schema(kind))
        if path.startswith((".spec", ".status"))
        and (wanted := bound.get(str(schema.get("type"))))
        and not wanted & set(schema)
    ]

    assert endless == []


@BOTH
def test_every_field_is_explained(kind: crds.Kind) -> None:
    silent = [
        path
        for path, schema in _walk(_schema(kind))
        if path.startswith(".spec") and not path.endswith("[]") and not schema.get("description")
    ]

    assert silent == []


@BOTH
def test_every_rule_refuses_in_a_sentence(kind: crds.Kind) -> None:
    wrong = [
        rule.name for rule in schemas.rules(kind.struct).values() if not rule.message.endswith(".")
    ]

    assert wrong == []


def test_nodes_alone_have_a_scale() -> None:
    assert [kind.name for kind in crds.KINDS if kind.scale] == ["LavalinkNode"]
