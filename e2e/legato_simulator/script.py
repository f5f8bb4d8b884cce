"""The script interface, one for Python and HTTP: what a test does to a Discord of its own.

Users, guilds and channels are named by id, or by their name; ids are text, as in Discord's JSON.
"""

from collections.abc import AsyncIterator, Mapping

from legato_simulator.crowd import Crowd
from legato_simulator.faults import IdentifyFault, RestFault
from legato_simulator.feed import Happening
from legato_simulator.json_values import Json
from legato_simulator.recorder import Exchange, GatewayPayload, SessionEvent, Violation
from legato_simulator.views import (
    BotView,
    ChannelView,
    GuildView,
    InteractionView,
    MessageView,
    RecordView,
    RoleView,
    SessionView,
    UserView,
    WorldView,
)

Value = str | int | float | bool

PATIENCE = 60.0
"""Seconds that a script waits for what should come at once: only where it does not."""


class Interaction:
    """A user's command, press or form, to wait on."""

    def __init__(self, script: "Script", sent: InteractionView) -> None:
        self._script = script
        self.sent = sent
        self.id = sent.id

    async def acknowledged(self, timeout: float = PATIENCE) -> InteractionView:
        """Wait for the first answer, a deferral too."""
        return await self._script.interaction(self.id, "acknowledged", timeout)

    async def response(self, timeout: float = PATIENCE) -> InteractionView:
        """Wait until the user sees the answer, or that there is none in time (state "failed")."""
        return await self._script.interaction(self.id, "answered", timeout)

    async def choices(self, timeout: float = PATIENCE) -> list[Json]:
        """Wait for what autocomplete offers."""
        return (await self.response(timeout)).choices or []

    async def submit(self, values: dict[str, str]) -> "Interaction":
        """Fill in the modal this was answered with."""
        return await self._script.submit_modal(self.id, values)


class Script(Crowd):
    """Everything a script can do."""

    async def _do(self, name: str, **arguments: object) -> None:
        await self._caller.call(name, arguments, object)

    async def _interact(self, name: str, **arguments: object) -> Interaction:
        return Interaction(self, await self._caller.call(name, arguments, InteractionView))

    # People.

    async def run_command(
        self,
        user: str,
        channel: str,
        command: str,
        options: Mapping[str, Value] | None = None,
        *,
        bot: str | None = None,
        forge: bool = False,
    ) -> Interaction:
        """Run a slash command; sub-commands are written as words ("settings dj").

        `forge` sends option values that Discord's own client would not let a person type.
        """
        return await self._interact(
            "run_command",
            user=user,
            channel=channel,
            command=command,
            options=dict(options or {}),
            bot=bot,
            forge=forge,
        )

    async def autocomplete(
        self, user: str, channel: str, command: str, focused: str, options: Mapping[str, Value]
    ) -> Interaction:
        """Type into an option with autocomplete; `focused` names it among `options`."""
        return await self._interact(
            "autocomplete",
            user=user,
            channel=channel,
            command=command,
            focused=focused,
            options=dict(options),
        )

    async def press_button(
        self, user: str, message: str, custom_id: str, *, forge: bool = False
    ) -> Interaction:
        """Press a button; `forge` sends a custom id that the message does not have."""
        return await self._interact(
            "press_button", user=user, message=message, custom_id=custom_id, forge=forge
        )

    async def choose(
        self, user: str, message: str, custom_id: str, values: list[str], *, forge: bool = False
    ) -> Interaction:
        """Choose values in a select menu."""
        return await self._interact(
            "choose", user=user, message=message, custom_id=custom_id, values=values, forge=forge
        )

    async def submit_modal(self, interaction: str, values: dict[str, str]) -> Interaction:
        """Fill in the modal that an interaction was answered with."""
        return await self._interact("submit_modal", interaction=interaction, values=values)

    async def send_message(self, user: str, channel: str, content: str) -> MessageView:
        """Write a message."""
        arguments = {"user": user, "channel": channel, "content": content}
        return await self._caller.call("send_message", arguments, MessageView)

    async def join_voice(self, user: str, channel: str) -> None:
        """Join a voice channel, or change to it."""
        await self._do("join_voice", user=user, channel=channel)

    async def leave_voice(self, user: str, guild: str) -> None:
        """Leave voice; for a bot this is a kick."""
        await self._do("leave_voice", user=user, guild=guild)

    async def move_voice(self, user: str, channel: str) -> None:
        """Move someone who is connected, the bot too."""
        await self._do("move_voice", user=user, channel=channel)

    async def mute_voice(
        self, user: str, guild: str, *, mute: bool | None = None, deaf: bool | None = None
    ) -> None:
        """Mute or deafen someone in a guild."""
        await self._do("mute_voice", user=user, guild=guild, mute=mute, deaf=deaf)

    async def interaction(
        self, interaction: str, until: str = "now", timeout: float = 10.0
    ) -> InteractionView:
        """Show an interaction, once it is "acknowledged" or "answered" if that is asked for."""
        arguments = {"interaction": interaction, "until": until, "timeout": timeout}
        return await self._caller.call("interaction", arguments, InteractionView)

    # The world.

    async def make_bot(self, name: str, token: str | None = None) -> BotView:
        """Make one more application."""
        return await self._caller.call("make_bot", {"name": name, "token": token}, BotView)

    async def reset_token(self, bot: str | None = None) -> BotView:
        """Make a bot's token worthless and return its new one."""
        return await self._caller.call("reset_token", {"bot": bot}, BotView)

    async def make_user(
        self, name: str, guild: str | None = None, locale: str = "en-US"
    ) -> UserView:
        """Make a person, and let them join a guild."""
        arguments = {"name": name, "guild": guild, "locale": locale}
        return await self._caller.call("make_user", arguments, UserView)

    async def join_guild(self, user: str, guild: str) -> None:
        """Let a user join a guild."""
        await self._do("join_guild", user=user, guild=guild)

    async def make_guild(self, name: str, owner: str) -> GuildView:
        """Make a guild with a text and a voice channel and every bot in it."""
        return await self._caller.call("make_guild", {"name": name, "owner": owner}, GuildView)

    async def make_guilds(self, count: int, owner: str) -> list[str]:
        """Make many guilds at once and return their ids."""
        return await self._caller.call("make_guilds", {"count": count, "owner": owner}, list[str])

    async def delete_guild(self, guild: str) -> None:
        """Delete a guild."""
        await self._do("delete_guild", guild=guild)

    async def kick_bot(self, guild: str, bot: str | None = None) -> None:
        """Take a bot out of a guild."""
        await self._do("kick_bot", guild=guild, bot=bot)

    async def invite_bot(self, guild: str, bot: str | None = None) -> None:
        """Bring a bot into a guild."""
        await self._do("invite_bot", guild=guild, bot=bot)

    async def set_guild_available(self, guild: str, *, available: bool) -> None:
        """Begin or end an outage of one guild."""
        await self._do("set_guild_available", guild=guild, available=available)

    async def make_channel(
        self, guild: str, name: str, kind: str = "text", user_limit: int = 0
    ) -> ChannelView:
        """Make a channel: text, voice, stage or category."""
        arguments = {"guild": guild, "name": name, "kind": kind, "user_limit": user_limit}
        return await self._caller.call("make_channel", arguments, ChannelView)

    async def delete_channel(self, channel: str) -> None:
        """Delete a channel, with everyone in it."""
        await self._do("delete_channel", channel=channel)

    async def limit_channel(self, channel: str, user_limit: int) -> None:
        """Set how many people a voice channel holds."""
        await self._do("limit_channel", channel=channel, user_limit=user_limit)

    async def set_permissions(
        self,
        channel: str,
        target: str,
        *,
        allow: list[str] | None = None,
        deny: list[str] | None = None,
    ) -> None:
        """Allow or deny a role ("@everyone" too) or user something in a channel."""
        await self._do("set_permissions", channel=channel, target=target, allow=allow, deny=deny)

    async def make_role(
        self, guild: str, name: str, permissions: list[str] | None = None
    ) -> RoleView:
        """Make a role with permissions given by name."""
        arguments = {"guild": guild, "name": name, "permissions": permissions}
        return await self._caller.call("make_role", arguments, RoleView)

    async def set_role(self, guild: str, role: str, permissions: list[str]) -> None:
        """Set what a role may do."""
        await self._do("set_role", guild=guild, role=role, permissions=permissions)

    async def give_role(self, guild: str, user: str, role: str, *, has: bool = True) -> None:
        """Give a member a role, or take it."""
        await self._do("give_role", guild=guild, user=user, role=role, has=has)

    async def guild(self, guild: str) -> GuildView:
        """Show a guild."""
        return await self._caller.call("guild", {"guild": guild}, GuildView)

    async def voice_states(self, guild: str) -> list[Json]:
        """List who is connected to voice, in Discord's JSON."""
        return await self._caller.call("voice_states", {"guild": guild}, list[Json])

    # Faults.

    async def drop_connection(self, bot: str | None = None, shard: int | None = None) -> int:
        """Reset the TCP connection of a bot's shards, or of everyone's."""
        return await self._caller.call("drop_connection", {"bot": bot, "shard": shard}, int)

    async def swallow_connection(self, bot: str | None = None, shard: int | None = None) -> int:
        """Stop reading and writing, and keep the TCP connection open."""
        return await self._caller.call("swallow_connection", {"bot": bot, "shard": shard}, int)

    async def close_connection(
        self, code: int, bot: str | None = None, shard: int | None = None
    ) -> int:
        """Close the websocket with any code."""
        arguments = {"code": code, "bot": bot, "shard": shard}
        return await self._caller.call("close_connection", arguments, int)

    async def ask_reconnect(self, bot: str | None = None, shard: int | None = None) -> int:
        """Send op 7."""
        return await self._caller.call("ask_reconnect", {"bot": bot, "shard": shard}, int)

    async def ask_heartbeat(self, bot: str | None = None, shard: int | None = None) -> int:
        """Send op 1."""
        return await self._caller.call("ask_heartbeat", {"bot": bot, "shard": shard}, int)

    async def invalidate_session(
        self, *, resumable: bool, bot: str | None = None, shard: int | None = None
    ) -> int:
        """Send op 9; a session that is not resumable is gone, with its voice connections."""
        arguments = {"resumable": resumable, "bot": bot, "shard": shard}
        return await self._caller.call("invalidate_session", arguments, int)

    async def fail_requests(self, fault: RestFault) -> None:
        """Let the next matching REST requests go wrong."""
        await self._do("fail_requests", fault=fault)

    async def fail_identifies(self, fault: IdentifyFault) -> None:
        """Delay or refuse the next identifies, or slow down READY."""
        await self._do("fail_identifies", fault=fault)

    async def duplicate_interactions(self, count: int = 1) -> None:
        """Deliver the next interactions twice."""
        await self._do("duplicate_interactions", count=count)

    async def spend_identifies(self, left: int, bot: str | None = None) -> None:
        """Leave only so many of today's identifies."""
        await self._do("spend_identifies", left=left, bot=bot)

    async def clear_faults(self) -> None:
        """Let everything go right again."""
        await self._do("clear_faults")

    async def move_voice_server(
        self,
        guild: str,
        region: str | None = None,
        *,
        bot: str | None = None,
        code: int = 4014,
        pause: float = 0.0,
    ) -> None:
        """Move a bot's voice server: endpoint null, a close, then a new endpoint."""
        where = {"guild": guild, "region": region, "bot": bot}
        await self._do("move_voice_server", **where, code=code, pause=pause)

    async def close_voice(self, guild: str, code: int, bot: str | None = None) -> None:
        """Close a bot's voice websocket with a code."""
        await self._do("close_voice", guild=guild, code=code, bot=bot)

    async def advance_clock(self, seconds: float) -> None:
        """Let time pass at once: deadlines of interactions, sessions and limits."""
        await self._do("advance_clock", seconds=seconds)

    # The oracle.

    async def world(self, guilds: int = 50) -> WorldView:
        """Show bots, users and the first guilds."""
        return await self._caller.call("world", {"guilds": guilds}, WorldView)

    async def bots(self) -> list[BotView]:
        """List the applications, with their tokens."""
        return await self._caller.call("bots", {}, list[BotView])

    async def commands(self, bot: str | None = None) -> list[Json]:
        """List a bot's registered commands, in Discord's JSON."""
        return await self._caller.call("commands", {"bot": bot}, list[Json])

    async def messages(
        self, channel: str | None = None, author: str | None = None, *, deleted: bool = False
    ) -> list[MessageView]:
        """List messages, ephemeral ones too, the oldest first."""
        arguments = {"channel": channel, "author": author, "deleted": deleted}
        return await self._caller.call("messages", arguments, list[MessageView])

    async def message(self, message: str) -> MessageView:
        """Show a message, a deleted one too."""
        return await self._caller.call("message", {"message": message}, MessageView)

    async def interactions(self) -> list[InteractionView]:
        """List the latest interactions, the oldest first."""
        return await self._caller.call("interactions", {}, list[InteractionView])

    async def sessions(self, bot: str | None = None) -> list[SessionView]:
        """List gateway sessions that are connected or may be resumed."""
        return await self._caller.call("sessions", {"bot": bot}, list[SessionView])

    async def record(self) -> RecordView:
        """Sum up what was recorded."""
        return await self._caller.call("record", {}, RecordView)

    async def exchanges(self, route: str | None = None) -> list[Exchange]:
        """List the latest REST requests with their answers."""
        return await self._caller.call("exchanges", {"route": route}, list[Exchange])

    async def gateway_payloads(self, op: int | None = None) -> list[GatewayPayload]:
        """List the latest payloads that clients sent on the gateway."""
        return await self._caller.call("gateway_payloads", {"op": op}, list[GatewayPayload])

    async def session_events(self, kind: str | None = None) -> list[SessionEvent]:
        """List what became of sessions."""
        return await self._caller.call("session_events", {"kind": kind}, list[SessionEvent])

    async def violations(self) -> list[Violation]:
        """List the rules of Discord's that clients broke."""
        return await self._caller.call("violations", {}, list[Violation])

    async def clear_record(self) -> None:
        """Forget what was recorded, for the next test."""
        await self._do("clear_record")

    async def happenings(self, since: int = 0, timeout: float = 0.0) -> list[Happening]:
        """List what happened after an id, waiting for something if there is nothing yet."""
        arguments = {"since": since, "timeout": timeout}
        return await self._caller.call("happenings", arguments, list[Happening])

    async def last_happening(self) -> int:
        """Return the id of the latest happening."""
        return await self._caller.call("last_happening", {}, int)

    async def follow(self, since: int | None = None) -> AsyncIterator[Happening]:
        """Yield what happens from now on, or since an id."""
        last = await self.last_happening() if since is None else since
        while True:
            for happening in await self.happenings(last, 10.0):
                last = happening.id
                yield happening
