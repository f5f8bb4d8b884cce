"""How long leases hold: what the settings of all who own things share. Knows no owner.

Types and defaults rather than a Struct, since msgspec's Structs can't have two bases.
"""

from datetime import timedelta
from typing import Annotated

from legato.leases import ISOLATION, RENEW, TTL
from legato.members import READY_AFTER
from legato.protocol.moves import SETTLE
from legato.settings import between

__all__ = [
    "ISOLATION",
    "READY_AFTER",
    "RENEW",
    "SETTLE",
    "TTL",
    "Isolation",
    "LeaseRenew",
    "LeaseTtl",
    "ReadyAfter",
    "Settle",
]

LeaseTtl = Annotated[timedelta, between(timedelta(seconds=2), timedelta(minutes=1))]
LeaseRenew = Annotated[timedelta, between(timedelta(milliseconds=200), timedelta(seconds=20))]
Isolation = Annotated[timedelta, between(timedelta(seconds=1), timedelta(seconds=60))]
Settle = Annotated[timedelta, between(timedelta(0), timedelta(minutes=10))]
ReadyAfter = Annotated[timedelta, between(timedelta(0), timedelta(minutes=1))]
