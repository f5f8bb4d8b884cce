"""Lets a whole crowd act, over any carrier of actions: a part of the script interface."""

from collections.abc import Sequence

from legato_simulator.actions.many import Typing
from legato_simulator.viewer import Viewer
from legato_simulator.views import CrowdView, OutcomeView

PAGE = 1000


class Crowd(Viewer):
    """What very many people do at once."""

    async def make_crowd(self, guilds: int, people: int) -> list[CrowdView]:
        """Make guilds with people in them, who join the voice channels."""
        arguments = {"guilds": guilds, "people": people}
        return await self._caller.call("make_crowd", arguments, list[CrowdView])

    async def run_commands(self, typed: Sequence[Typing]) -> list[str]:
        """Run slash commands one right after the other, and return their interactions' ids."""
        return await self._caller.call("run_commands", {"typed": typed}, list[str])

    async def waiting(self, within: float) -> int:
        """Count who asked for something these last seconds, and was not answered yet."""
        return await self._caller.call("waiting", {"within": within}, int)

    async def outcomes(self, since: str = "0") -> list[OutcomeView]:
        """List what came of all interactions after an id, the oldest first."""
        found: list[OutcomeView] = []
        while True:
            last = found[-1].id if found else since
            arguments = {"since": last, "limit": PAGE}
            page = await self._caller.call("outcomes", arguments, list[OutcomeView])
            found += page
            if len(page) < PAGE:
                return found
