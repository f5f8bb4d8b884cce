import subprocess
import sys

from support_waiting import PATIENCE

MEBIBYTE = 1024 * 1024
PROGRAM = """
import io, resource, struct, sys
import av
from legato.node.media import memory

av.logging.set_level(None)
assert memory.bound(int(sys.argv[1]))
huge = struct.pack("<I", 0x7F0000FF)
form = struct.pack("<IHHIIHH", 16, 1, 2, 48_000, 192_000, 4, 16)
text = b"LIST" + huge + b"INFO" + b"INAM" + struct.pack("<I", 0x5F000000) + b"x" * 100
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    av.open(io.BytesIO(b"RIFF" + huge + b"WAVEfmt " + form + text), "r", format="wav")
except av.FFmpegError:
    pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def grown(most: int) -> int:
    """Open a file that says its title has 1.6 GB, in a process of its own; give what it took."""
    run = (sys.executable, "-c", PROGRAM, str(most))
    done = subprocess.run(run, check=True, capture_output=True, timeout=PATIENCE)
    return int(done.stdout)


def test_a_text_that_says_it_is_huge_takes_no_memory() -> None:
    assert grown(64 * MEBIBYTE) < 64 * MEBIBYTE


def test_without_the_bound_it_would() -> None:
    assert grown(0x7FFFFFFF) > 4 * 64 * MEBIBYTE
