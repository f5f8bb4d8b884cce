"""Which errors a person can mend, and how a command ends with each. Knows no command line.

What is not listed here is a bug and keeps its traceback.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from legato.embedded.problems import PortTaken, Problem
from legato.errors import Unavailable
from legato.settings import WrongSettings

FAILED = 1
WRONG = 2
"""Settings or words that can't be used."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What to tell, and the exit code."""

    sentence: str
    exit_code: int


def explain(error: BaseException) -> Fault | None:
    """Put an error, or a group of them, into sentences; None when any is a bug."""
    found = [_one(leaf) for leaf in leaves(error)]
    known = [fault for fault in found if fault]
    if len(known) < len(found):
        return None
    sentences = dict.fromkeys(fault.sentence for fault in known)
    return Fault("\n".join(sentences), known[0].exit_code)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Give the errors inside a group, however deep."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def _one(error: BaseException) -> Fault | None:
    match error:
        case WrongSettings():
            return Fault(str(error), WRONG)
        case Problem():
            return Fault(str(error), error.exit_code)
        case Unavailable():
            hint = "Is it running, and is its address right? Run: legato doctor"
            return Fault(f"{error}. {hint}", FAILED)
    for module, name, code in _RARELY_IMPORTED:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type) and isinstance(error, kind):
            return Fault(str(error), code)
    return None


_RARELY_IMPORTED = (
    ("legato.store.schema", "WrongSchema", FAILED),
    ("legato.layout", "OtherLayout", WRONG),
    ("legato.serve", "PortInUse", PortTaken.exit_code),
    ("legato.together", "UnknownJob", WRONG),
)
"""Looked up only where they were imported already: a module that wasn't raised nothing."""
