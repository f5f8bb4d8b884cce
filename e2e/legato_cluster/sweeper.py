"""Removes folders once their holder closes it or has died, also by SIGKILL. Knows no cluster."""

import subprocess
from pathlib import Path
from typing import Self

SCRIPT = """
read _
for place; do
    while [ -e "$place" ]; do
        case "$place" in
        /sys/fs/cgroup/*) find "$place" -depth -type d -exec rmdir {} \\; ;;
        *) rm -rf "$place" ;;
        esac 2>/dev/null
        [ ! -e "$place" ] || sleep 0.1
    done
done
"""
"""Reads until the pipe is closed. What dies may still write into a folder, and a control group can
be removed once its last process has gone: hence the repetition."""


class Sweeper:
    """A helper process that outlives its holder for a moment."""

    def __init__(self, *places: Path) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", SCRIPT, "sweeper", *map(str, places)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            process_group=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folders now, and wait until they have gone."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()
