"""What the script interface returns, in Python and over HTTP alike. Ids are text."""

from msgspec import Struct

from legato_simulator.json_values import Json


class UserView(Struct, frozen=True, kw_only=True):
    """A person or a bot's user."""

    id: str
    username: str
    name: str
    bot: bool = False


class BotView(Struct, frozen=True, kw_only=True):
    """An application that may log in."""

    id: str
    name: str
    token: str


class ChannelView(Struct, frozen=True, kw_only=True):
    """A channel."""

    id: str
    name: str
    kind: str
    """text, voice, stage, category or dm."""
    guild_id: str | None = None
    user_limit: int = 0
    status: str | None = None


class RoleView(Struct, frozen=True, kw_only=True):
    """A role."""

    id: str
    name: str
    permissions: int


class GuildView(Struct, frozen=True, kw_only=True):
    """A guild."""

    id: str
    name: str
    owner_id: str
    channels: list[ChannelView]
    roles: list[RoleView]
    members: list[str]

    def channel(self, name: str) -> ChannelView:
        """Find a channel by its name."""
        return next(each for each in self.channels if each.name == name)


class WorldView(Struct, frozen=True, kw_only=True):
    """What there is; with many guilds only the first ones."""

    bots: list[BotView]
    users: list[UserView]
    guilds: list[GuildView]
    guild_count: int

    def user(self, name: str) -> UserView:
        """Find a user by display name or user name."""
        return next(each for each in self.users if name in {each.name, each.username})

    def guild(self, name: str) -> GuildView:
        """Find a guild by its name."""
        return next(each for each in self.guilds if each.name == name)


class MessageView(Struct, frozen=True, kw_only=True):
    """A message; `raw` is Discord's JSON of it."""

    id: str
    channel_id: str
    author_id: str
    content: str
    embeds: list[Json]
    components: list[Json]
    ephemeral: bool
    visible_to: str | None
    loading: bool
    edits: int
    deleted: bool
    nonce: str | None
    raw: Json
    command: str | None = None
    """The name of the command that it answers, as long as the interaction is remembered."""

    @property
    def text(self) -> str:
        """Everything there is to read: content, and every part of the embeds."""
        lines = [self.content]
        for embed in self.embeds:
            lines += [embed.get("title", ""), embed.get("description", "")]
            for field in embed.get("fields", []):
                lines += [field["name"], field["value"]]
            lines.append(embed.get("footer", {}).get("text", ""))
        return "\n".join(line for line in lines if line)


class InteractionView(Struct, frozen=True, kw_only=True):
    """An interaction, and what came of it so far; times are monotonic seconds of the machine."""

    id: str
    kind: str
    """command, component, autocomplete or modal."""
    name: str
    application_id: str
    command_id: str | None
    state: str
    """waiting, deferred ("thinking"), answered, or failed (no first answer in time)."""
    callback: int | None
    ephemeral: bool
    message: MessageView | None
    followups: list[MessageView]
    choices: list[Json] | None
    modal: Json | None
    created_at: float
    acknowledged_at: float | None
    answered_at: float | None
    edited_at: float | None
    deliveries: int


class CrowdView(Struct, frozen=True, kw_only=True):
    """One guild of a crowd, with its two channels and the people who sit in voice there."""

    guild_id: str
    text: str
    voice: str
    people: list[str]


class OutcomeView(Struct, frozen=True, kw_only=True):
    """What came of an interaction, briefly; times as in InteractionView."""

    id: str
    guild_id: str
    name: str
    created_at: float
    answered_at: float | None
    late_at: float | None = None
    """When a first answer came too late."""
    told: int
    """How often the user was told something; a clean run tells each thing once."""
    deferred: bool
    said: list[str]
    """What can be read of it: the answer and its follow-ups, without what was deleted."""


class SessionView(Struct, frozen=True, kw_only=True):
    """A gateway session."""

    id: str
    bot_id: str
    shard: tuple[int, int]
    seq: int
    intents: int
    connected: bool


class RecordView(Struct, frozen=True, kw_only=True):
    """What the oracle counted: a clean run has no violations, refusals or schema problems."""

    requests: int
    requests_by_route: dict[str, int]
    underway: dict[str, int]
    """REST requests that are being served now, by "method route"."""
    identifies: int
    resumes: int
    interactions: int
    violations: list[str]
    refusals: dict[str, int]
    """401, 403 and 429 answers that no fault provoked, by "status method route"."""
    schema_problems: list[str]
    messages_by_bots: int


class ScriptError(ValueError):
    """The script asked for something that a user of Discord could not do either."""
