"""Settings from the environment: one frozen Struct per component. Knows no component.

A field is the environment variable of its name in capitals; `<NAME>_FILE` names a file that holds
the value, for secrets. Every fault is collected before one error tells of all of them.
"""

import os
import pathlib
import re
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import inspect

T = TypeVar("T", bound=msgspec.Struct)

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")


class Secret:
    """A text that neither its repr nor its str shows; `reveal` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself; its only place is a connection."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return "…"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and secrets.compare_digest(
            self._text.encode(), other._text.encode()
        )

    def __hash__(self) -> int:
        return hash((Secret, self._text))


def url(*schemes: str, example: str) -> msgspec.Meta:
    """Annotate a field that holds an address of one of these schemes."""
    return msgspec.Meta(extra={"schemes": schemes}, examples=[example])


def between(least: timedelta, most: timedelta) -> msgspec.Meta:
    """Annotate a duration with its bounds, both allowed."""
    return msgspec.Meta(extra={"least": least, "most": most})


Snowflake = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
RedisUrl = Annotated[Secret, url("redis", "rediss", "unix", example="redis://127.0.0.1:6379/0")]
HttpUrl = Annotated[str, url("http", "https", example="http://127.0.0.1:4318")]


def _member_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """What every service is told."""

    member: str = msgspec.field(default_factory=_member_name)
    """The name of this process among its like; default: host name, process id, random."""
    listen: str = "127.0.0.1"
    """The address the service's pages listen on; only this machine unless told, as in a pod."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least level that is logged."""
    log_format: Literal["json", "console"] = "json"
    """JSON lines for machines, or coloured lines for a person."""
    otel_exporter_otlp_endpoint: HttpUrl | None = None
    """Where OpenTelemetry traces go (OTLP over HTTP); none are made without it."""
    stop_timeout: Annotated[timedelta, between(timedelta(seconds=1), timedelta(minutes=10))] = (
        timedelta(seconds=20)
    )
    """How long an ordered stop may take; under the 30 s that Kubernetes waits by default."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong setting, without its value."""

    name: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name} {self.problem}. {self.remedy}."


class WrongSettings(Exception):
    """Settings can't be used; the text lists every fault and what to write instead."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        told: dict[tuple[str, str], Fault] = {}
        for fault in faults:
            # Several components may read one setting, each with its own example of it.
            told.setdefault((fault.name, fault.problem), fault)
        self.faults = tuple(told.values())
        count = len(self.faults)
        title = "1 setting is wrong:" if count == 1 else f"{count} settings are wrong:"
        super().__init__("\n".join([title, *(f"  {fault}" for fault in self.faults)]))

    @classmethod
    def merged(cls, errors: Iterable["WrongSettings"]) -> "WrongSettings":
        """Make one error of those of several components, each fault once."""
        return cls(fault for error in errors for fault in error.faults)


def load(struct: type[T], environ: Mapping[str, str]) -> T:
    """Read a component's settings; raises WrongSettings with every fault there is."""
    values: dict[str, object] = {}
    faults: list[Fault] = []
    for field in msgspec.structs.fields(struct):
        name = field.name.upper()
        kind = inspect.type_info(field.type)
        try:
            raw = _read(name, environ)
            if raw is not None:
                values[field.name] = _convert(raw, kind, field.type)
            elif field.required:
                raise ValueError("is missing")
        except (ValueError, OSError) as error:
            faults.append(Fault(name, _problem(error), _remedy(name, kind)))
    if faults:
        raise WrongSettings(faults)
    try:
        return struct(**values)
    except ValueError as error:
        raise WrongSettings([_own_fault(error)]) from error


def _read(name: str, environ: Mapping[str, str]) -> str | None:
    text, file = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    if text and file:
        raise ValueError(f"is set, and {name}_FILE as well; keep one of them")
    if file:
        text = pathlib.Path(file).read_text(encoding="utf-8").strip()
        if not text:
            raise ValueError(f"is empty: the file that {name}_FILE names holds nothing")
    return text or None


def _convert(raw: str, kind: inspect.Type, declared: object) -> object:
    inner, extra = _unwrap(kind)
    match inner:
        case inspect.TimeDeltaType():
            return _bounded(duration(raw), extra)
        case inspect.CustomType(cls=cls) if cls is Secret:
            _check_scheme(raw, extra)
            return Secret(raw)
        case inspect.CustomType(cls=cls) if cls is pathlib.Path:
            return pathlib.Path(raw)
        case inspect.VarTupleType():
            parts = [part.strip() for part in raw.split(",") if part.strip()]
            return msgspec.convert(parts, declared, strict=False)
        case _:
            _check_scheme(raw, extra)
            return msgspec.convert(raw, declared, strict=False)


def _unwrap(kind: inspect.Type) -> tuple[inspect.Type, Mapping[str, object]]:
    """Look through annotations and `| None` at the type that a text must become."""
    extra: dict[str, object] = {}
    while True:
        if isinstance(kind, inspect.Metadata):
            extra |= kind.extra or {}
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
        else:
            return kind, extra


def duration(text: str) -> timedelta:
    """Read `500ms`, `10s`, `5m`, `2h` or `1d`; raises ValueError for anything else."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError("is not a duration")
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])


def spell(length: timedelta) -> str:
    """Write a duration as `duration` reads it, in the largest unit that divides it."""
    ms = round(length / timedelta(milliseconds=1))
    for unit in ("d", "h", "m", "s"):
        size = round(_UNITS[unit] * 1000)
        if ms and ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"


def _bounded(value: timedelta, extra: Mapping[str, object]) -> timedelta:
    least, most = extra.get("least"), extra.get("most")
    if (isinstance(least, timedelta) and value < least) or (
        isinstance(most, timedelta) and value > most
    ):
        raise ValueError("is out of bounds")
    return value


def _check_scheme(raw: str, extra: Mapping[str, object]) -> None:
    schemes = extra.get("schemes")
    if not isinstance(schemes, tuple):
        return
    parts = urlsplit(raw)
    if parts.scheme not in schemes:
        raise ValueError("is not an address of the right kind")
    if parts.scheme != "unix" and not parts.hostname:
        raise ValueError("names no host")
    _ = parts.port  # raises ValueError where it is no number


def _problem(error: ValueError | OSError) -> str:
    """Say what is wrong without the value, which msgspec's words may repeat."""
    match error:
        case OSError():
            return f"can't be read from its file ({error.strerror})"
        case msgspec.ValidationError():
            return "is out of bounds" if "=" in str(error) else "is malformed"
        case _ if str(error).startswith("is ") or str(error).startswith("names "):
            return str(error)
        case _:
            return "is malformed"


def _remedy(name: str, kind: inspect.Type) -> str:
    inner, _ = _unwrap(kind)
    secret = isinstance(inner, inspect.CustomType) and inner.cls is Secret
    file = f", or {name}_FILE to a file that holds it" if secret else ""
    return f"Set {name} to {expected(kind)}{file}"


def _own_fault(error: ValueError) -> Fault:
    """Take what a Struct's __post_init__ raises: ValueError(name, problem, remedy)."""
    name, problem, remedy = error.args if len(error.args) == 3 else ("", str(error), "")
    return Fault(str(name).upper(), str(problem), str(remedy))


def expected(kind: inspect.Type) -> str:
    """Say in words what may be written for a type."""
    inner, extra = _unwrap(kind)
    words = _words(inner)
    if isinstance(schemes := extra.get("schemes"), tuple):
        words = "an address that begins with " + " or ".join(f"{one}://" for one in schemes)
    if "least" in extra:
        words += " from {} to {}".format(*(_spell_bound(extra[end]) for end in ("least", "most")))
    examples = _examples(kind)
    return f"{words}, such as {examples[0]}" if examples else words


def _words(inner: inspect.Type) -> str:
    match inner:
        case inspect.IntType(ge=least, le=most):
            return f"a whole number{_range(least, most)}"
        case inspect.FloatType(ge=least, le=most):
            return f"a number{_range(least, most)}"
        case inspect.BoolType():
            return "true or false"
        case inspect.TimeDeltaType():
            return "a duration such as 500ms, 10s or 5m"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(str(value) for value in values)
        case inspect.VarTupleType(item_type=item):
            return f"a list, separated by commas: {_words(_unwrap(item)[0])}"
        case inspect.CustomType(cls=cls) if cls is pathlib.Path:
            return "the path of a folder or file"
        case inspect.CustomType():
            return "the secret itself"
        case _:
            return "a text"


def _range(least: float | None, most: float | None) -> str:
    match least, most:
        case None, None:
            return ""
        case _, None:
            return f" of at least {least}"
        case None, _:
            return f" of at most {most}"
        case _:
            return f" from {least} to {most}"


def _spell_bound(bound: object) -> str:
    return spell(bound) if isinstance(bound, timedelta) else str(bound)


def _examples(kind: inspect.Type) -> list[object]:
    while not isinstance(kind, inspect.Metadata):
        if not isinstance(kind, inspect.UnionType):
            return []
        kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    examples: list[object] = (kind.extra_json_schema or {}).get("examples", [])
    return examples
