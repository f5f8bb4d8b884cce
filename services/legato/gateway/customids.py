"""The custom ids of our buttons: versioned, and bound to the play or page they stand for. Pure.

Discord hands a custom id back as it was, but an old message keeps old ids, and a changed client
may send any text for a message it may press on; so each is parsed strictly and never trusted.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

PanelAction = Literal["toggle", "skip", "stop", "quieter", "louder"]
PANEL_ACTIONS: tuple[PanelAction, ...] = get_args(PanelAction)

_PANEL = re.compile(r"l1:(toggle|skip|stop|quieter|louder):([A-Za-z0-9_.:-]{1,64})")
_PAGE = re.compile(r"l1:page:([1-9][0-9]{0,4})(?::[a-z]+)?")
_OLD = re.compile(r"l[0-9]+:.*", re.DOTALL)
LONGEST = 100
"""https://discord.com/developers/docs/components/reference#anatomy-of-a-component"""


@dataclass(frozen=True, slots=True)
class Panel:
    """A button of the now-playing panel, bound to the play it was drawn for."""

    action: PanelAction
    play_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """A button that turns to a page of the queue, counted from 1."""

    page: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A custom id that is not ours, or of a version that is not understood any more."""

    old: bool
    """True when it has the shape of ours: an old message, most likely."""


Parsed = Panel | Page | Unknown


def panel(action: PanelAction, play_id: str) -> str:
    """Name a panel's button."""
    return f"l1:{action}:{play_id}"


def page(number: int, place: str = "") -> str:
    """Name a page button; `place` keeps two buttons for the same page apart in one message."""
    return f"l1:page:{number}:{place}" if place else f"l1:page:{number}"


def parse(custom_id: str) -> Parsed:
    """Say what a pressed button asks; anything but our own exact form is Unknown."""
    if len(custom_id) > LONGEST:
        return Unknown(old=False)
    if match := _PANEL.fullmatch(custom_id):
        for action in PANEL_ACTIONS:
            if action == match[1]:
                return Panel(action, match[2])
    if match := _PAGE.fullmatch(custom_id):
        return Page(int(match[1]))
    return Unknown(old=_OLD.fullmatch(custom_id) is not None)
