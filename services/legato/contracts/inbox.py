"""The conversation of a partition: everything that may stand in its inbox. Pure values."""

from legato.contracts.playback import Playback
from legato.contracts.voice import Voice

Message = Playback | Voice
