"""The audio service with faults that messages ask for: a step that crashes, ends or halts it.

One volume freezes the process past the check of its next call to a node, and before the call.
"""

import os
import signal
import sys
import time

from legato import together
from legato.audio import player as core
from legato.audio import stepping
from legato.audio.lavalink import NodeClient
from legato.audio.player import Message, Player, Step
from legato.audio.rules import Rules
from legato.contracts.playback import Seek, SetVolume

CRASH, KILL, HANG = 13_000, 14_000, 15_000
"""Positions to seek to, ms."""
FREEZE = 77
"""A volume."""


class Faults:
    """What goes wrong in this process."""

    def __init__(self) -> None:
        self.freezes = False

    def step(self, player: Player, message: Message, *, now: int, rules: Rules) -> Step:
        """Crash where a message asks for it."""
        match message:
            case Seek(to=to) if to == CRASH:
                raise ValueError("a bug in the step")
            case Seek(to=to) if to == KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Seek(to=to) if to == HANG:
                time.sleep(60)
            case SetVolume(volume=volume) if volume == FREEZE:
                self.freezes = True
        return core.step(player, message, now=now, rules=rules)

    def allowed(self) -> None:
        """Stop the process where it was asked for; it goes on with SIGCONT."""
        if self.freezes:
            self.freezes = False
            os.kill(os.getpid(), signal.SIGSTOP)


class Client(NodeClient):
    """One that may freeze past the check of a call."""

    faults = Faults()

    def allow(self) -> None:
        """Check, and freeze then."""
        super().allow()
        self.faults.allowed()


if __name__ == "__main__":
    from legato.audio import app

    setattr(stepping, "step", Client.faults.step)  # noqa: B010 - what another process imports
    setattr(app, "NodeClient", Client)  # noqa: B010 - the same
    sys.exit(together.alone("audio", os.environ))
