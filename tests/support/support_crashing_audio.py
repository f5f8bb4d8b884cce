"""The audio service with a step that one message crashes, and others end or halt it in."""

import os
import signal
import sys
import time

from legato import together
from legato.audio import player as core
from legato.audio import stepping
from legato.audio.player import Message, Player, Step
from legato.audio.rules import Rules
from legato.contracts.playback import Seek

CRASH, KILL, HANG = 13_000, 14_000, 15_000
"""Positions to seek to, ms."""


def step(player: Player, message: Message, *, now: int, rules: Rules) -> Step:
    """Crash where a message asks for it."""
    match message:
        case Seek(to=to) if to == CRASH:
            raise ValueError("a bug in the step")
        case Seek(to=to) if to == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case Seek(to=to) if to == HANG:
            time.sleep(60)
    return core.step(player, message, now=now, rules=rules)


if __name__ == "__main__":
    setattr(stepping, "step", step)  # noqa: B010 - what another process imports
    sys.exit(together.alone("audio", os.environ))
