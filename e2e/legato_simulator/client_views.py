"""What one person's Discord shows them, for pages and scripts alike. Ids are text."""

from msgspec import Struct

from legato_simulator.json_values import Json
from legato_simulator.views import RoleView


class PersonView(Struct, frozen=True, kw_only=True):
    """A person, or a bot's user; people are always there."""

    id: str
    username: str
    name: str
    bot: bool = False
    online: bool = True


class PlaceView(Struct, frozen=True, kw_only=True):
    """A channel that the viewer may see."""

    id: str
    name: str
    kind: str
    position: int
    parent_id: str | None
    topic: str | None
    status: str | None
    user_limit: int
    may_write: bool
    may_join: bool


class PresenceView(Struct, frozen=True, kw_only=True):
    """Someone in a voice channel."""

    user_id: str
    channel_id: str
    mute: bool
    deaf: bool
    speaking: bool


class ServerView(Struct, frozen=True, kw_only=True):
    """A guild that the viewer is in."""

    id: str
    name: str
    owner_id: str
    channels: list[PlaceView]
    roles: list[RoleView]
    members: list[str]
    voice: list[PresenceView]


class ClientView(Struct, frozen=True, kw_only=True):
    """Everything but the messages."""

    user: PersonView
    people: list[PersonView]
    """Everyone who can be chosen to be, and every bot."""
    guilds: list[ServerView]
    rest_url: str
    last: int
    """The newest happening that is in this view already."""


class OfferView(Struct, frozen=True, kw_only=True):
    """A command that is offered to the viewer in a channel."""

    bot_id: str
    bot: str
    command: Json
