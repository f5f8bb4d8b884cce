"""What a start shows on the terminal. Knows no part; writes lines, reads nothing."""

import contextlib
import pathlib
from datetime import timedelta
from typing import TextIO

WIDTH = 34


class Terminal:
    """Calm lines on one stream: each part when it is ready, then where to look."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def line(self, text: str = "") -> None:
        """Write one line at once; where nobody reads any more, an orderly stop goes on unseen."""
        with contextlib.suppress(BrokenPipeError):
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def ready(self, title: str, took: timedelta, where: str) -> None:
        """Tell that a part is up."""
        self.line(f"  {title:<{WIDTH}} ready in {took.total_seconds():4.1f} s   {where}".rstrip())

    def slow(self, title: str) -> None:
        """Tell that a part runs, but takes long to be ready."""
        self.line(f"  {title} is still starting; this machine is busy")

    def crashed(self, title: str, code: int, delay: timedelta, why: str = "") -> None:
        """Tell that a part died, why if that is known, and when it will be started again."""
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        said = f" ({why})" if why else ""
        self.line(f"  {title} {how}{said}; starting it again in {delay.total_seconds():.1f} s")

    def failing(self, title: str, problem: str, delay: timedelta) -> None:
        """Tell that a part could not be started again, and when the next try is."""
        self.line(f"  {title} did not come back; next try in {delay.total_seconds():.0f} s")
        for line in problem.splitlines():
            self.line(f"      {line}")

    def stopping(self, title: str) -> None:
        """Tell what is being stopped."""
        self.line(f"  stopping {title}")


class Follower:
    """Shows what is added to log files, each line with its file's name before it."""

    def __init__(self, terminal: Terminal, folder: pathlib.Path) -> None:
        """Begin at the present ends: what was there is history."""
        self._terminal = terminal
        self._folder = folder
        self._offsets = {file: file.stat().st_size for file in folder.glob("*.log")}

    def show(self) -> None:
        """Show the whole lines that are new since the last call."""
        for file in sorted(self._folder.glob("*.log")):
            with file.open("rb") as log:
                log.seek(self._offsets.get(file, 0))
                added = log.read()
            whole = added[: added.rfind(b"\n") + 1]
            self._offsets[file] = self._offsets.get(file, 0) + len(whole)
            for line in whole.decode(errors="replace").splitlines():
                self._terminal.line(f"{file.stem:>10} | {line}")
