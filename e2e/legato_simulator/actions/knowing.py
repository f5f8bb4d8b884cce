"""What a script can know: the world, and everything the oracle recorded."""

import asyncio
from dataclasses import dataclass

from legato_simulator.actions.subjects import Subjects, see_guild, see_user
from legato_simulator.feed import Happening
from legato_simulator.json_values import Json
from legato_simulator.recorder import Exchange, GatewayPayload, SessionEvent, Violation
from legato_simulator.views import (
    BotView,
    InteractionView,
    MessageView,
    RecordView,
    SessionView,
    WorldView,
)


@dataclass(slots=True)
class Knowing:
    """Answers questions."""

    of: Subjects

    async def world(self, guilds: int = 50) -> WorldView:
        """Show bots, users and the first guilds."""
        world = self.of.sim.world
        return WorldView(
            bots=await self.bots(),
            users=[see_user(user) for user in list(world.users.values())[:200]],
            guilds=[see_guild(guild) for guild in list(world.guilds.values())[:guilds]],
            guild_count=len(world.guilds),
        )

    async def bots(self) -> list[BotView]:
        """List the applications, with their tokens."""
        found = self.of.sim.bots.by_id.values()
        return [BotView(id=str(bot.id), name=bot.name, token=bot.token) for bot in found]

    async def commands(self, bot: str | None = None) -> list[Json]:
        """List a bot's registered commands, in Discord's JSON."""
        return list(self.of.bot(bot).commands.values())

    async def messages(
        self,
        channel: str | None = None,
        author: str | None = None,
        deleted: bool = False,
        limit: int = 1000,
    ) -> list[MessageView]:
        """List messages, ephemeral ones too, the oldest first."""
        world = self.of.sim.world
        place = self.of.channel(channel).id if channel else None
        who = self.of.user(author).id if author else None
        found = [
            message
            for channel_id, messages in world.messages.items()
            if place in {None, channel_id}
            for message in messages.values()
            if who in {None, message.author_id} and (deleted or not message.deleted)
        ]
        found.sort(key=lambda message: message.id)
        return [self.of.see_message(message) for message in found[-limit:]]

    async def message(self, message: str) -> MessageView:
        """Show a message, a deleted one too."""
        return self.of.see_message(self.of.message(message))

    async def interactions(self, limit: int = 1000) -> list[InteractionView]:
        """List the latest interactions, the oldest first."""
        found = list(self.of.sim.interactions.by_id.values())
        return [self.of.see_interaction(each) for each in found[-limit:]]

    async def sessions(self, bot: str | None = None) -> list[SessionView]:
        """List gateway sessions that are connected or may be resumed."""
        bot_id = self.of.bot(bot).id if bot else None
        return [
            SessionView(
                id=session.id,
                bot_id=str(session.bot_id),
                shard=session.shard,
                seq=session.seq,
                intents=session.intents,
                connected=session.link is not None,
            )
            for session in self.of.sim.sessions.by_id.values()
            if bot_id in {None, session.bot_id}
        ]

    async def record(self) -> RecordView:
        """Sum up what was recorded."""
        recorder, world = self.of.sim.recorder, self.of.sim.world
        written = [
            message
            for messages in world.messages.values()
            for message in messages.values()
            if message.author_id in self.of.sim.bots.by_id
        ]
        return RecordView(
            requests=recorder.routes.total(),
            requests_by_route=dict(recorder.routes),
            underway={name: count for name, count in recorder.underway.items() if count},
            identifies=recorder.kinds["identified"],
            resumes=recorder.kinds["resumed"],
            interactions=len(self.of.sim.interactions.by_id),
            violations=[f"{each.kind}: {each.detail}" for each in recorder.violations],
            refusals=dict(recorder.refusals),
            schema_problems=list(recorder.schema_problems),
            messages_by_bots=len(written),
        )

    async def exchanges(self, route: str | None = None, limit: int = 1000) -> list[Exchange]:
        """List the latest REST requests with their answers; `route` is a template."""
        found = [each for each in self.of.sim.recorder.exchanges if route in {None, each.route}]
        return found[-limit:]

    async def gateway_payloads(
        self, op: int | None = None, limit: int = 1000
    ) -> list[GatewayPayload]:
        """List the latest payloads that clients sent on the gateway."""
        found = [each for each in self.of.sim.recorder.payloads if op in {None, each.op}]
        return found[-limit:]

    async def session_events(
        self, kind: str | None = None, limit: int = 1000
    ) -> list[SessionEvent]:
        """List what became of sessions: identified, resumed, closed, disconnected, ended."""
        found = [each for each in self.of.sim.recorder.session_events if kind in {None, each.kind}]
        return found[-limit:]

    async def violations(self) -> list[Violation]:
        """List the rules of Discord's that clients broke."""
        return self.of.sim.recorder.violations

    async def clear_record(self) -> None:
        """Forget what was recorded, for the next test."""
        self.of.sim.recorder.clear()

    async def happenings(self, since: int = 0, timeout: float = 0.0) -> list[Happening]:
        """List what happened after an id, waiting for something if there is nothing yet."""
        feed = self.of.sim.feed
        try:
            async with asyncio.timeout(timeout):
                while not feed.since(since):
                    await feed.changed()
        except TimeoutError:
            return []
        return feed.since(since)

    async def last_happening(self) -> int:
        """Return the id of the latest happening, to wait for what comes after it."""
        return self.of.sim.feed.last
