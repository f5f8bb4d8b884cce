"""The place of Discord's end-to-end encryption (DAVE): which versions the node speaks. Pure.

Version 0 is none. What will come here: a group's keys, the frames' second encryption, and what
follows each of the voice server's messages 21 to 31.
"""

from legato.node.errors import MediaError

MAX_VERSION = 0
"""Highest version that the node offers at Identify; Discord closes such voice with 4017."""


def agree(version: object) -> int:
    """Take the version that a session description settles; raises MediaError on a foreign one."""
    if version is None:
        return 0
    if not isinstance(version, int) or not 0 <= version <= MAX_VERSION:
        raise MediaError("The voice server wants an encryption that was not offered.", "fault")
    return version
