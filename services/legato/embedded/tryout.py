"""The simulator's music, which a person tries out first: made while the rest starts.

It plays nothing, and holds up nothing for good: what is not made yet is made when it is asked for.
"""

import asyncio
import http.client
import time
import urllib.request
from datetime import timedelta

import msgspec

from legato.embedded import aside
from legato.embedded.supervisor import Report

TITLE = "music to try out"
ASKED_WITHIN = 5.0
EVERY = 0.2
SOON = timedelta(seconds=1)
"""What is made within it is not spoken of."""
MOST = timedelta(seconds=30)
"""It is waited for so long; a machine so busy makes the rest while the first piece is chosen."""


class _Listed(msgspec.Struct):
    """What the catalogue tells of itself."""

    preparing: bool = False


class Music:
    """What one simulator's catalogue names: it is made from when the catalogue is asked for."""

    def __init__(self, catalogue: str) -> None:
        """Take the catalogue's address."""
        self.catalogue = catalogue

    async def begin(self) -> None:
        """Let it be made."""
        await self._is_made()

    async def made(self, report: Report) -> None:
        """Wait until all is made, and tell so where that took a while."""
        began = time.monotonic()
        while not await self._is_made():
            if _since(began) > MOST:
                report.slow(TITLE)
                return
            await asyncio.sleep(EVERY)
        if _since(began) > SOON:
            report.ready(TITLE, _since(began), "")

    async def _is_made(self) -> bool:
        """Ask for it; who does not answer is not waited for."""
        try:
            return not (await aside.call(self._read)).preparing
        except (OSError, http.client.HTTPException, msgspec.MsgspecError):
            return True

    def _read(self) -> _Listed:
        with urllib.request.urlopen(self.catalogue, timeout=ASKED_WITHIN) as answer:  # noqa: S310
            return msgspec.json.decode(answer.read(), type=_Listed)


def _since(began: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - began)
