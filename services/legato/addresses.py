"""Which addresses are of the open internet. Pure: asks no name server, no list of Python's own.

The ranges are IANA's special-purpose registries (RFC 6890 and what followed), written out, since
`ipaddress.is_global` differs between patch releases of Python.
"""

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_CLOSED_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network, RFC 791
        "10.0.0.0/8",  # private use, RFC 1918
        "100.64.0.0/10",  # carriers' shared space, RFC 6598; Alibaba's metadata is in it
        "127.0.0.0/8",  # loopback, RFC 1122
        "168.63.129.16/32",  # Azure's host, which answers every guest machine
        "169.254.0.0/16",  # link-local, RFC 3927; the clouds' metadata is in it
        "172.16.0.0/12",  # private use, RFC 1918
        "192.0.0.0/24",  # protocol assignments, RFC 6890; Oracle's metadata is in it
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.88.99.0/24",  # 6to4 relays, withdrawn by RFC 7526
        "192.168.0.0/16",  # private use, RFC 1918
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",  # documentation, RFC 5737
        "203.0.113.0/24",  # documentation, RFC 5737
        "224.0.0.0/4",  # multicast, RFC 5771
        "240.0.0.0/4",  # reserved and broadcast, RFC 1112
    )
)
_OPEN_6 = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that is given out for the internet; the rest (fc00::/7, fe80::/10, …) is closed."""
_CLOSED_6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, RFC 2928; Teredo's tunnels are in it
        "2001:db8::/32",  # documentation, RFC 3849
        "2002::/16",  # 6to4 tunnels, withdrawn by RFC 7526
        "3fff::/20",  # documentation, RFC 9637
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""Leads to the IPv4 address in its end, RFC 6052; 64:ff9b:1::/48 (RFC 8215) is never open."""
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)


def is_public(address: Address) -> bool:
    """Say whether an address is of the open internet; a translated one counts as what it means."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _CLOSED_4)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _OPEN_6 and not any(address in network for network in _CLOSED_6)


def address_of(host: str) -> Address | None:
    """Read an address in any spelling that clients accept: dotted, 2130706433, 0x7f.1, [::1]."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return _old_spelling(host)


def _old_spelling(host: str) -> Address | None:
    """Read what inet_aton reads: one to four numbers, the last filling what is left."""
    parts = host.split(".")
    if not 1 <= len(parts) <= 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    *head, last = [_number(part) for part in parts]
    size = 4 - len(head)
    if any(number > 255 for number in head) or last >= 256**size:
        return ipaddress.IPv4Address(0)
    value = last
    for place, number in enumerate(head):
        value |= number << (8 * (3 - place))
    return ipaddress.IPv4Address(value)


def _number(part: str) -> int:
    if part.lower().startswith("0x"):
        return int(part[2:] or "0", 16)
    octal = len(part) > 1 and part.startswith("0") and set(part) <= set("01234567")
    return int(part, 8 if octal else 10)
