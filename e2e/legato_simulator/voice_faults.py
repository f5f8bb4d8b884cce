"""What can be made to go wrong on a voice server, as one value.

It does nothing itself: voice_udp.py and voice_socket.py look it up at each step.
"""

from typing import Literal

from msgspec import Struct, structs


class VoiceFaults(Struct, frozen=True, kw_only=True):
    """Faults in force for one guild, or for all."""

    step_delay: float = 0.0
    """Seconds before each answer of the voice handshake (hello, ready, discovery, session)."""
    udp_loss: float = 0.0
    """Share of media packets that never arrive, 0 to 1."""
    udp_drop_next: int = 0
    """How many of the next media packets never arrive."""
    udp_delay: float = 0.0
    """Seconds that each media packet arrives later."""
    refuse_identify: int = 0
    """Close code answered to every Identify; 0 accepts."""
    refuse_resume: int = 0
    """Close code answered to every Resume; 0 accepts."""
    no_discovery: bool = False
    """Leave the UDP address discovery unanswered."""
    only_mode: str = ""
    """The one encryption offered and accepted; empty is all that there are."""
    silent_after_hello: bool = False
    """Never answer an Identify."""
    spoil_commits: int = 0
    """How many of the next commits (op 29) reach a client broken."""
    spoil_welcomes: int = 0
    """How many of the next welcomes (op 30) reach a client broken."""
    lost_welcomes: int = 0
    """How many of the next welcomes (op 30) never reach a client."""
    slow_listeners: float = 0.0
    """Seconds that each listener takes over each message of the group."""
    slow_clients: float = 0.0
    """Seconds until a client's commits and readiness (ops 28, 23) count."""


NONE = VoiceFaults()
Counted = Literal["udp_drop_next", "spoil_commits", "spoil_welcomes", "lost_welcomes"]


class FaultBook:
    """Which faults are in force where: a guild's own, else those for all."""

    def __init__(self) -> None:
        self._faults: dict[int | None, VoiceFaults] = {}

    def put(self, faults: VoiceFaults, guild_id: int | None) -> None:
        """Put faults in force; the value without faults takes a guild's own away."""
        if faults == NONE:
            self._faults.pop(guild_id, None)
        else:
            self._faults[guild_id] = faults

    def of(self, guild_id: int | None) -> VoiceFaults:
        """Look up what is in force."""
        if not self._faults:
            return NONE
        return self._faults.get(guild_id) or self._faults.get(None) or NONE

    def spend(self, guild_id: int | None, counted: Counted) -> bool:
        """Count one off a fault that happens so many times; false when none was left."""
        owner = guild_id if guild_id in self._faults else None
        faults = self._faults.get(owner, NONE)
        before: int = getattr(faults, counted)
        self.put(structs.replace(faults, **{counted: max(0, before - 1)}), owner)
        return before > 0
