"""Names in the environment that look like settings of ours and are none. Pure; loads no setting.

What is set for other programs is none of ours: of the whole environment only names close to a
setting are told, of our own `.env` every name that nothing reads.
"""

import dataclasses
import difflib
from collections.abc import Collection, Iterable, Iterator

CLOSE = 0.85
"""How alike two names are that one is a slip of the other; LEASE_TLT and LEASE_TTL: 0.89."""
FILE = "_FILE"
"""`NAME_FILE` names a file that holds `NAME`'s value."""


@dataclasses.dataclass(frozen=True, slots=True)
class Unknown:
    """A name that no setting has."""

    name: str
    meant: str
    """The setting that was probably meant; empty: none is close."""


def find(
    set_names: Iterable[str], known: Collection[str], *, own: Collection[str] = ()
) -> Iterator[Unknown]:
    """Give the unknown ones among the names that are set; `own` are those of our own file."""
    for name in sorted(set_names):
        plain = name.removesuffix(FILE)
        if name in known or plain in known:
            continue
        meant = difflib.get_close_matches(plain, known, n=1, cutoff=CLOSE)
        if meant or name in own:
            yield Unknown(name, meant[0] if meant else "")
