"""What every job is given, and how it tells of its progress."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from legato.redis import Client
from legato.store.database import Database
from legato.worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Means:
    """What a job works with."""

    settings: Settings
    database: Database
    redis: Client
    now: Callable[[], datetime]
    """Aware, UTC."""
    progress: Callable[[str], None]
    """Takes one line about what is being done; the last one stays."""


Job = Callable[[Means], Awaitable[str]]
"""Does its work and returns what came of it in a sentence."""
