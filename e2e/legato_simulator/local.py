"""Carries script actions to a simulator in the same process."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from legato_simulator.actions.catalogue import Catalogue

T = TypeVar("T")


class LocalCaller:
    """Calls the catalogue directly."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def call(self, name: str, arguments: Mapping[str, object], answer: type[T]) -> T:
        """Do something and check what comes back, as a caller over HTTP would."""
        given = await self._catalogue.call(name, arguments)
        return msgspec.convert(given, answer, from_attributes=True)
