"""What can be made to go wrong on a voice server, as one value.

It does nothing itself: voice_udp.py and voice_socket.py look it up at each step.
"""

from msgspec import Struct


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
    silent_after_hello: bool = False
    """Never answer an Identify."""


NONE = VoiceFaults()
