"""Checks requests and answers against Discord's own OpenAPI file. It knows no simulator.

Discord publishes the file at https://github.com/discord/discord-api-spec (specs/openapi.json). A
route or field that it does not name is a problem, unless EXCEPTIONS lists it with the reason.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from legato_simulator.json_values import Json
from legato_simulator.recorder import Exchange

URI = "urn:discord"
EXCEPTIONS: dict[str, str] = {
    "answer errors": "the file gives form errors a number as code; Discord sends words "
    "(https://discord.com/developers/docs/reference#error-messages)",
    "request permissions": "a bit set may be text, as it is everywhere since API v8 "
    "(https://discord.com/developers/docs/topics/permissions), the file allows numbers only",
    "request default_member_permissions": "text, for the same reason",
    "request allow": "text, for the same reason",
    "request deny": "text, for the same reason",
    "request nsfw": "documented for commands "
    "(https://discord.com/developers/docs/interactions/application-commands), not in the file",
    "request components minItems": "an empty list takes all components away, as libraries do",
    "request tts": "discord.js sends it with edits and follow-ups too, where it means nothing",
    "request enforce_nonce": "the same",
}
"""Fields that may differ from the file, and why; a third word limits it to one rule."""
REFUSED_FORMS = frozenset({50006, 50035, 50109})


class OpenApi:
    """Discord's description, with every object closed to fields it does not name."""

    def __init__(self, path: Path) -> None:
        document: Json = json.loads(path.read_text())
        self._document: Json = {key: _closed(part, document) for key, part in document.items()}
        contents: bool | Mapping[str, Any] = self._document
        resource = Resource.from_contents(contents, default_specification=DRAFT202012)
        self._registry: Registry[bool | Mapping[str, Any]] = Registry().with_resource(URI, resource)
        self._validators: dict[str, Draft202012Validator] = {}

    def problems(self, exchange: Exchange) -> list[str]:
        """List what is wrong with a request and its answer."""
        where = f"{exchange.method} {exchange.route or exchange.path}"
        item = self._document["paths"].get(exchange.route or "")
        operation = (item or {}).get(exchange.method.lower())
        if operation is None:
            return [f"{where}: the file has no such route"]
        pointer = f"#/paths/{_escaped(exchange.route or '')}/{exchange.method.lower()}"
        found = [
            *_query_problems(exchange, operation, item),
            *self._request_problems(exchange, operation, pointer),
            *self._answer_problems(exchange, operation, pointer),
        ]
        return [f"{where}: {problem}" for problem in found]

    def _request_problems(self, exchange: Exchange, operation: Json, pointer: str) -> Iterator[str]:
        """A form that was refused may be wrong: that is what it was refused for."""
        if exchange.request is None or exchange.code in REFUSED_FORMS:
            return
        if "requestBody" not in operation:
            if exchange.request:
                yield "request: the file allows no body"
            return
        content = operation["requestBody"]["content"]
        kind = "application/json" if "application/json" in content else next(iter(content))
        place = f"{pointer}/requestBody/content/{_escaped(kind)}/schema"
        yield from self._check("request", place, exchange.request)

    def _answer_problems(self, exchange: Exchange, operation: Json, pointer: str) -> Iterator[str]:
        if exchange.status >= 500:
            return
        responses = operation["responses"]
        key = next((key for key in (str(exchange.status), "4XX") if key in responses), None)
        if key is None or (key == "4XX" and exchange.status < 400):
            yield f"answer: the file has no status {exchange.status}"
            return
        place = f"{pointer}/responses/{key}"
        described = responses[key]
        if "$ref" in described:
            place = described["$ref"]
            described = self._document["components"]["responses"][place.rsplit("/", 1)[1]]
        if exchange.response is not None and "content" in described:
            place = f"{place}/content/application~1json/schema"
            yield from self._check("answer", place, exchange.response)

    def _check(self, side: str, place: str, value: object) -> Iterator[str]:
        for error in self._validator(place).iter_errors(value):
            deepest = best_match([error]) or error
            if not _excused(side, error):
                yield f"{side} {deepest.json_path.removeprefix('$')}: {deepest.message[:300]}"

    def _validator(self, place: str) -> Draft202012Validator:
        if place not in self._validators:
            schema = {"$ref": URI + place}
            self._validators[place] = Draft202012Validator(schema, registry=self._registry)
        return self._validators[place]


def _excused(side: str, error: ValidationError) -> bool:
    """Say whether a finding is listed, or, of several allowed shapes, all of one shape's are."""
    path = list(error.absolute_path)
    if any(f"{side} {part}" in EXCEPTIONS for part in path):
        return True
    if path and f"{side} {path[-1]} {error.validator}" in EXCEPTIONS:
        return True
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        named = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        return all(f"{side} {field}" in EXCEPTIONS for field in set(error.instance) - set(named))
    shapes: dict[object, bool] = {}
    for inner in error.context or ():
        shape = inner.relative_schema_path[0]
        shapes[shape] = shapes.get(shape, True) and _excused(side, inner)
    return any(shapes.values())


def _query_problems(exchange: Exchange, operation: Json, item: Json) -> Iterator[str]:
    declared = [*operation.get("parameters", []), *item.get("parameters", [])]
    names = {each["name"] for each in declared if each["in"] == "query"}
    for name in exchange.query:
        if name not in names:
            yield f"request: the file has no query parameter {name!r}"


def _escaped(part: str) -> str:
    """Write one part of a JSON pointer inside a URI fragment."""
    quoted = part.replace("~", "~0").replace("/", "~1")
    return quoted.replace("{", "%7B").replace("}", "%7D")


def _closed(value: object, document: Json) -> object:
    """Close every object schema to fields that it does not name."""
    if isinstance(value, list):
        return [_closed(each, document) for each in value]
    if not isinstance(value, dict):
        return value
    parts = value.get("allOf")
    if isinstance(parts, list) and len(parts) > 1:
        return _closed(_merged(parts, document), document)
    closed = {key: _closed(each, document) for key, each in value.items()}
    if closed.get("type") == "object" and isinstance(closed.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed


def _merged(parts: list[Json], document: Json) -> Json:
    """Write the parts of an `allOf` as one object, which can then be closed."""
    merged: Json = {"type": "object", "properties": {}, "required": []}
    for part in parts:
        known = document["components"]["schemas"]
        schema = known[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
        merged["properties"] |= schema.get("properties", {})
        merged["required"] += schema.get("required", [])
    return merged
