"""Messages as they were written once: they must be understood for ever.

golden/<tag>.json is append-only: a file is never changed, since such messages may still lie in a
stream or come from an older release. A new message is a new file.
"""

from pathlib import Path
from types import UnionType
from typing import get_args

import msgspec

GOLDEN = Path(__file__).parent.parent / "services" / "contracts" / "golden"


def tags(*unions: UnionType | type[msgspec.Struct]) -> list[str]:
    """Name the tag of every message of these conversations."""
    kinds = [kind for union in unions for kind in (get_args(union) or (union,))]
    return sorted(str(kind.__struct_config__.tag) for kind in kinds)


def read(tag: str) -> bytes:
    """Read one golden message; a new tag has to bring one."""
    path = GOLDEN / f"{tag}.json"
    assert path.exists(), f"write {path.name}: a message with every field set"
    return path.read_bytes()


def assert_understood(union: UnionType | type[msgspec.Struct], tag: str) -> None:
    """Decode a golden message and lose nothing of it, not even a renamed field."""
    written = read(tag)

    message = msgspec.json.decode(written, type=union)

    assert msgspec.json.decode(msgspec.json.encode(message)) == msgspec.json.decode(written)
    assert str(message.__struct_config__.tag) == tag
