"""An event loop whose clock jumps to the next timer, for tests of waiting without waiting."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: what would have been waited for is added to the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Look at what is ready now."""
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class FastLoop(asyncio.SelectorEventLoop):
    """A loop for code that speaks to nobody outside."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Tell the jumping clock."""
        return self._jumping.now


def fast(main: Coroutine[Any, Any, T]) -> T:
    """Run something to its end, however long it would wait."""
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(main)
