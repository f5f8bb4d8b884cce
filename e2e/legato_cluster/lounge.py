"""A guild whose person types a command again where nobody answered in time, as people do.

A machine that starts many pods at once may be too slow for Discord's three seconds. Where each
command has to be answered a scenario begins it and looks itself.
"""

import time
from collections.abc import Mapping

from legato_machine.room import Hall, Value
from legato_simulator.views import InteractionView


class Lounge(Hall):
    """One guild, and one person in its voice channel."""

    async def type(
        self, command: str, options: Mapping[str, Value] | None = None, *, timeout: float = 10.0
    ) -> InteractionView:
        """Run a command until it is answered."""
        deadline = time.monotonic() + timeout
        while True:
            shown = await super().type(command, options, timeout=timeout)
            if shown.state != "failed":
                return shown
            assert time.monotonic() < deadline, f"no answer to /{command} in {timeout:.0f} s"
