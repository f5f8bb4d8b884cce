"""The commands that people can give, each declared once. Pure.

Discord's JSON (`command_json`), the page docs/commands.md (`command_docs`), the checks (`checks`)
and the messages to the partition (`asked`) all follow from this table; the words for people are in
the catalogue under `command.<name>` (text.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from legato.gateway import urls
from legato.gateway.permissions import Permission

Kind = Literal["text", "number", "role"]


@dataclass(frozen=True, slots=True)
class Option:
    """What a command asks for."""

    name: str
    kind: Kind = "text"
    required: bool = False
    least: int | None = None
    """Of a number: its value; of a text: its length."""
    most: int | None = None
    choices: tuple[str, ...] = ()
    autocomplete: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may give a command, and where."""

    steers: bool = False
    """It changes what others hear: with a DJ role set, it takes that role."""
    in_voice: bool = False
    """The asker is in a voice channel, and in the bot's where it is in one."""
    joins: bool = False
    """The bot may have to enter the asker's channel."""
    manages: bool = False
    """It takes Manage Server."""


@dataclass(frozen=True, slots=True)
class Command:
    """One slash command, or one subcommand of `group`."""

    name: str
    rules: Rules = Rules()
    options: tuple[Option, ...] = ()
    group: str = ""
    hidden: bool = False
    """Only the asker sees the answer."""
    help: str = ""
    """A few sentences for the page of commands."""
    example: str = ""

    @property
    def path(self) -> str:
        """Name the command as people type it, without the slash."""
        return f"{self.group} {self.name}" if self.group else self.name

    @property
    def key(self) -> str:
        """Name its sentences in the catalogue."""
        return f"command.{self.path.replace(' ', '.')}"


_STEERING = Rules(steers=True, in_voice=True)

REGISTRY: tuple[Command, ...] = (
    Command(
        "play",
        Rules(in_voice=True, joins=True),
        (
            Option("query", required=True, least=1, most=urls.LONGEST, autocomplete=True),
            Option("when", choices=("now", "next", "last")),
        ),
        help=(
            "Finds what you type and puts it into the queue; I come to your voice channel "
            "by myself. `when` says whether it plays at once, next, or after all that "
            "waits."
        ),
        example="/play query: never gonna give you up when: next",
    ),
    Command("pause", _STEERING, help="The music waits where it is until somebody resumes it."),
    Command("resume", _STEERING, help="Goes on at the very moment where it was paused."),
    Command("skip", _STEERING, help="Ends what plays and starts the next."),
    Command(
        "stop", _STEERING, help="Ends what plays and empties the queue. I stay in the channel."
    ),
    Command(
        "seek",
        _STEERING,
        (Option("to", required=True, least=1, most=16),),
        help="Goes to a moment of what plays. Live streams have none.",
        example="/seek to: 1:23",
    ),
    Command(
        "volume",
        _STEERING,
        (Option("percent", "number", required=True, least=0, most=200),),
        help=(
            "Changes how loud I am for everybody. Your own slider in Discord changes it "
            "for you alone."
        ),
        example="/volume percent: 80",
    ),
    Command(
        "queue",
        options=(Option("page", "number", least=1, most=9999),),
        help="Shows what waits, a page at a time, with buttons to turn.",
    ),
    Command(
        "nowplaying",
        help=(
            "Shows what plays, and brings the panel with its buttons here, below all that was "
            "said since."
        ),
    ),
    Command("leave", _STEERING, help="Stops, empties the queue and leaves the voice channel."),
    Command(
        "show",
        Rules(manages=True),
        group="settings",
        hidden=True,
        help="Shows how I behave in this server.",
    ),
    Command(
        "dj-role",
        Rules(manages=True),
        (Option("role", "role"),),
        group="settings",
        hidden=True,
        help=(
            "With a DJ role, only its members may pause, skip, stop, seek, change the "
            "volume or send me away. Everybody may still play. Leave the role out to let "
            "everybody steer."
        ),
        example="/settings dj-role role: @DJ",
    ),
    Command(
        "volume",
        Rules(manages=True),
        (Option("percent", "number", required=True, least=0, most=200),),
        group="settings",
        hidden=True,
        help=(
            "How loud I am when I join a voice channel, until somebody changes it with /volume. "
            "100 at first."
        ),
        example="/settings volume percent: 60",
    ),
    Command("help", hidden=True, help="Lists the commands."),
)

GROUP_PERMISSIONS: Mapping[str, Permission] = {"settings": Permission.MANAGE_GUILD}
"""What Discord itself asks for a group's commands, until a manager changes that."""


def find(path: str) -> Command | None:
    """Look a command up by what people type."""
    return next((command for command in REGISTRY if command.path == path), None)
