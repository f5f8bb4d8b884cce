"""Bounds the memory of a media process; knows where PyAV keeps its libraries, and no media.

A file of a few bytes may say that one of its texts is two gigabytes long, and FFmpeg makes room for
it before it reads. PyAV has no setting for it; FFmpeg's own is `av_max_alloc` (libavutil/mem.h).
"""

import ctypes
from pathlib import Path

import av

MOST = 64 * 1024 * 1024
"""Bytes: ten hours of M4A have an index of 40 MB."""

M_ARENA_MAX = -8
"""glibc's malloc.h: how many heaps there may be."""
ARENAS = 2
"""Else each thread has a heap of its own, which keeps its peak; media threads compute in turns."""


def bound(most: int = MOST) -> bool:
    """Refuse FFmpeg larger pieces, in this process; says whether its library was found."""
    package = Path(av.__file__).parent
    places = (package.parent / "av.libs", package / ".dylibs")
    found = [library for place in places for library in place.glob("libavutil[-.]*")]
    for library in found:
        limit = ctypes.CDLL(str(library)).av_max_alloc
        limit.argtypes, limit.restype = [ctypes.c_size_t], None
        limit(most)
    return bool(found)


def gather() -> None:
    """Let the threads of this process share their heaps, where its C library knows how."""
    choose = getattr(ctypes.CDLL(None), "mallopt", None)
    if choose is not None:
        choose(M_ARENA_MAX, ARENAS)
