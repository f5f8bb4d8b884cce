"""What a whole crowd does, in one call: guilds and people, their commands, what came of them."""

import time
from dataclasses import dataclass

from msgspec import Struct

from legato_simulator import population
from legato_simulator.actions.people import People, Value
from legato_simulator.actions.subjects import Subjects
from legato_simulator.interactions import Callback, Interaction
from legato_simulator.views import CrowdView, OutcomeView
from legato_simulator.world import ChannelType, Guild


class Typing(Struct, frozen=True, kw_only=True):
    """One command that somebody types."""

    user: str
    channel: str
    command: str
    options: dict[str, Value] = {}


@dataclass(slots=True)
class Many:
    """Acts as very many people at once."""

    of: Subjects

    async def make_crowd(self, guilds: int, people: int) -> list[CrowdView]:
        """Make guilds with people in them, who join the voice channels."""
        sim = self.of.sim
        owner = population.add_user(sim, f"owner of {guilds}")
        made = population.add_guilds(sim, guilds, owner)
        return [await self._peopled(guild, people) for guild in made]

    async def _peopled(self, guild: Guild, people: int) -> CrowdView:
        sim, channels = self.of.sim, {each.type: each for each in guild.channels.values()}
        voice = channels[ChannelType.VOICE]
        found = []
        for number in range(people):
            user = population.add_user(sim, f"p{number} of {guild.id}")
            population.add_member(sim, guild, user)
            await self.of.attendance.join(guild, voice, user.id)
            found.append(str(user.id))
        text = channels[ChannelType.TEXT]
        return CrowdView(
            guild_id=str(guild.id), text=str(text.id), voice=str(voice.id), people=found
        )

    async def run_commands(self, typed: list[Typing]) -> list[str]:
        """Run slash commands one right after the other, and return their interactions' ids."""
        people = People(self.of)
        return [
            (await people.run_command(each.user, each.channel, each.command, each.options)).id
            for each in typed
        ]

    async def outcomes(self, since: str = "0", limit: int = 1000) -> list[OutcomeView]:
        """List what came of the interactions after an id, the oldest first."""
        found = [each for key, each in self.of.sim.interactions.by_id.items() if key > int(since)]
        return [self._outcome(each) for each in found[:limit]]

    async def waiting(self, within: float) -> int:
        """Count who asked for something these last seconds, and was not answered yet."""
        since, count = time.monotonic() - within, 0
        for each in reversed(self.of.sim.interactions.by_id.values()):
            if each.created < since:
                break
            count += each.answered is None
        return count

    def _outcome(self, found: Interaction) -> OutcomeView:
        kept = self.of.sim.world.messages.get(found.channel_id, {})
        ids = [each for each in (found.original, *found.followups) if each is not None]
        shown = [kept[each] for each in ids if each in kept and not kept[each].deleted]
        return OutcomeView(
            id=str(found.id),
            guild_id=str(found.guild_id or 0),
            name=found.name,
            created_at=found.created,
            answered_at=found.answered,
            late_at=found.late,
            told=found.told,
            deferred=found.callback is Callback.DEFERRED_MESSAGE,
            said=[
                self.of.see_message(each).text
                for each in shown
                if not (each.id == found.original and found.loading)
            ],
        )
