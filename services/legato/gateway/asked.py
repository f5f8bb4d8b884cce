"""What a person asked, and the message to the partition that it becomes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypedDict, assert_never

from legato.contracts import playback
from legato.gateway import customids, events, times
from legato.gateway.commands import Command, find

Value = str | int | float | bool

SOON = timedelta(seconds=30)
"""A pause that comes later than this would surprise more than help."""
LATE = timedelta(minutes=10)
"""A track may still join the queue then; under the interaction token's 15 minutes."""
MOST_VOLUME = 200
VOLUME_STEP = 10
_DJ_ROLE = "settings dj-role"
_START_VOLUME = "settings volume"


@dataclass(frozen=True, slots=True)
class Asked:
    """One command, whichever way it was given."""

    path: str
    options: Mapping[str, Value]
    play_id: str | None = None
    """Of a panel's button: the play it was drawn for."""
    toggles: bool = False
    """The panel's one button for pause and resume."""
    change: int = 0
    """Of the panel's volume buttons."""
    turns: bool = False
    """A page button: the answer replaces its message."""

    @property
    def command(self) -> Command | None:
        """Look up what was declared for it."""
        return find(self.path)

    def text(self, name: str) -> str:
        """Return an option as text, empty where it was left out."""
        value = self.options.get(name, "")
        return value if isinstance(value, str) else str(value)

    def number(self, name: str, default: int) -> int:
        """Return an option as a whole number."""
        value = self.options.get(name, default)
        return int(value) if isinstance(value, int | float) else default


def of_command(data: events.InteractionData) -> Asked:
    """Read a slash command; subcommands are named with their group."""
    path, options = data.name, data.options
    if options and options[0].type in {1, 2}:
        path, options = f"{path} {options[0].name}", options[0].options
    return Asked(path, {one.name: one.value for one in options if one.value is not None})


def of_button(custom_id: str) -> Asked | Literal["old_panel", "forged"]:
    """Read a pressed button; the reason is one of text.REFUSALS' names."""
    parsed = customids.parse(custom_id)
    match parsed:
        case customids.Page(page=page):
            return Asked("queue", {"page": page}, turns=True)
        case customids.Panel(action=action, play_id=play_id):
            return _of_panel(action, play_id)
        case customids.Unknown(old=old):
            return "old_panel" if old else "forged"
        case _:
            assert_never(parsed)


def _of_panel(action: customids.PanelAction, play_id: str) -> Asked:
    match action:
        case "toggle":
            return Asked("pause", {}, play_id=play_id, toggles=True)
        case "skip":
            return Asked("skip", {}, play_id=play_id)
        case "stop":
            return Asked("stop", {}, play_id=play_id)
        case "quieter":
            return Asked("volume", {}, play_id=play_id, change=-VOLUME_STEP)
        case "louder":
            return Asked("volume", {}, play_id=play_id, change=VOLUME_STEP)
        case _:
            assert_never(action)


def fault(asked: Asked) -> str | None:
    """Find what is wrong with the options themselves; None when nothing is.

    Discord's clients check most of it already; others may send anything.
    """
    command = asked.command
    if command is None:
        return "invalid"
    declared = {option.name for option in command.options}
    if not set(asked.options) <= declared:
        return "invalid"
    if any(option.required and option.name not in asked.options for option in command.options):
        return None if asked.change else "invalid"
    match asked.path:
        case path if path in {"volume", _START_VOLUME}:
            return None if 0 <= asked.number("percent", 0) <= MOST_VOLUME else "bad_volume"
        case "seek":
            return None if times.parse(asked.text("to")) is not None else "bad_time"
        case "queue":
            return None if asked.number("page", 1) >= 1 else "no_such_page"
        case "play":
            return None if asked.text("when") in {"", "now", "next", "last"} else "invalid"
        case path if path == _DJ_ROLE:
            role = asked.text("role")
            return None if not role or _is_snowflake(role) else "invalid"
        case _:
            return None


def _is_snowflake(value: str) -> bool:
    return value.isascii() and value.isdigit() and 0 < int(value) < 2**63


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every message to a partition carries besides what was asked."""

    id: int
    guild_id: int
    origin: playback.Origin
    now: int
    """Server ms."""

    def expires(self, after: timedelta) -> int:
        """Name the moment after which it is too late."""
        return self.now + round(after / timedelta(milliseconds=1))


class _Common(TypedDict):
    id: int
    guild_id: int
    origin: playback.Origin
    expires_at: int


_Plain = (
    playback.Pause
    | playback.Resume
    | playback.Stop
    | playback.Leave
    | playback.ShowNowPlaying
    | playback.ShowSettings
)

_PLAIN: Mapping[str, type[_Plain]] = {
    "pause": playback.Pause,
    "resume": playback.Resume,
    "stop": playback.Stop,
    "leave": playback.Leave,
    "nowplaying": playback.ShowNowPlaying,
    "settings show": playback.ShowSettings,
}
"""Commands that carry nothing of their own."""


def message(asked: Asked, envelope: Envelope, *, voice_channel_id: int) -> playback.Playback | None:
    """Make the message; None for what the gateway answers itself. `fault` found nothing before."""
    expires = envelope.expires(LATE if asked.path == "play" else SOON)
    common = _Common(
        id=envelope.id, guild_id=envelope.guild_id, origin=envelope.origin, expires_at=expires
    )
    match asked.path:
        case "play":
            query, where = asked.text("query").strip(), _where(asked.text("when"))
            return playback.Play(
                **common,
                query=query,
                where=where,
                voice_channel_id=voice_channel_id,
            )
        case "pause" if asked.toggles:
            return playback.TogglePause(**common)
        case "skip":
            return playback.Skip(**common, play_id=asked.play_id)
        case "seek":
            return playback.Seek(**common, to=times.parse(asked.text("to")) or 0)
        case "volume":
            volume = None if asked.change else asked.number("percent", 100)
            return playback.SetVolume(**common, volume=volume, change=asked.change)
        case "queue":
            return playback.ShowQueue(**common, page=asked.number("page", 1))
        case path if path == _DJ_ROLE:
            role = asked.text("role")
            dj_role_id = int(role) if role else None
            return playback.ChangeSettings(**common, dj_role_id=dj_role_id)
        case path if path == _START_VOLUME:
            return playback.ChangeSettings(**common, default_volume=asked.number("percent", 100))
        case path if path in _PLAIN:
            return _PLAIN[path](**common)
        case _:
            return None


def _where(when: str) -> playback.Where:
    match when:
        case "now" | "next":
            return when
        case _:
            return "last"
