"""The highest sequence number below which everything is acknowledged. Pure: knows no event."""

from collections import deque


class Sequence:
    """Numbers that are begun in ascending order and may end in any; `done` never passes a gap."""

    def __init__(self, done: int = 0) -> None:
        self.done = done
        self._open: deque[int] = deque()
        self._ended: set[int] = set()

    def begin(self, number: int) -> bool:
        """Take the next number; False: not above the last, so it is a repeat."""
        newest = self._open[-1] if self._open else self.done
        if number <= newest:
            return False
        self._open.append(number)
        return True

    def end(self, number: int) -> bool:
        """Acknowledge a number; says whether `done` grew."""
        self._ended.add(number)
        before = self.done
        while self._open and self._open[0] in self._ended:
            self.done = self._open.popleft()
            self._ended.discard(self.done)
        if not self._open:
            self._ended.clear()
        return self.done > before

    @property
    def waiting(self) -> int:
        """How many numbers are begun and not covered by `done`."""
        return len(self._open)
