"""Where a link's name leads, as far as this machine's name server tells."""

import asyncio
import socket
from datetime import timedelta

from legato.addresses import address_of
from legato.gateway import urls

_PATIENCE = timedelta(milliseconds=600)
"""The direct answer has 1.5 s in all; the node looks again when it connects."""


async def is_private(link: urls.Link) -> bool:
    """Say whether a name surely leads to an address that is not of the open internet."""
    if link.is_allowed or address_of(link.host) is not None:
        return False
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            found = await asyncio.get_running_loop().getaddrinfo(
                link.host, link.port, type=socket.SOCK_STREAM
            )
    except (OSError, TimeoutError, UnicodeError):
        return False  # nobody knows it here; the node will say so in its own words
    return not urls.all_public(str(address[0]) for *_, address in found)
