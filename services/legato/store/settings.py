"""How PostgreSQL is reached; the part of the settings that every user of the store shares."""

from datetime import timedelta
from typing import Annotated

import msgspec

from legato.settings import Common, Secret, between, url

DatabaseUrl = Annotated[
    Secret, url("postgresql", "postgres", example="postgresql://legato@127.0.0.1:5432/legato")
]
PoolSize = Annotated[int, msgspec.Meta(ge=1, le=200)]


class StoreSettings(Common, frozen=True, kw_only=True):
    """What a service that stores is told."""

    database_url: DatabaseUrl
    """The PostgreSQL database; `sslmode` in it is understood. A secret: it holds a password."""
    database_ca_file: str = ""
    """A file of CA certificates that the server's must descend from; empty = as sslmode says."""
    database_pool_size: PoolSize = 5
    """Connections kept open; few, since each statement is short and services are many."""
    database_pool_overflow: Annotated[int, msgspec.Meta(ge=0, le=200)] = 5
    """Connections opened beyond those in a rush, and closed after it."""
    database_pool_timeout: Annotated[
        timedelta, between(timedelta(milliseconds=100), timedelta(seconds=60))
    ] = timedelta(seconds=4)
    """How long a caller waits for a connection; every outside call ends within 4 s."""
    database_statement_timeout: Annotated[
        timedelta, between(timedelta(milliseconds=100), timedelta(minutes=10))
    ] = timedelta(seconds=4)
    """How long one statement may take; under a lease's 10 s, so that no owner writes after it."""
