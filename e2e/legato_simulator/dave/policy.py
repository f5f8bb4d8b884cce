"""What a voice server asks of its clients' end-to-end encryption. Pure.

protocol.md, "Protocol Version Negotiation": the highest version that a client names at Identify
against what the call demands.
"""

from enum import StrEnum

REQUIRED = 4017
"""Close code: this call needs end-to-end encryption."""


class Policy(StrEnum):
    """What a voice server asks of its clients."""

    OFF = "off"
    """Everyone is answered version 0."""
    OPTIONAL = "optional"
    """Encrypted as long as everyone in the call can: "Initial Transitory Phase"."""
    REQUIRED = "required"
    """A client that can't encrypt is closed with 4017, as Discord has done since 2026-03."""


def refusal(policy: Policy, client_version: int) -> int:
    """Name the code that ends a connection, or 0."""
    return REQUIRED if policy is Policy.REQUIRED and client_version < 1 else 0


def version(policy: Policy, client_versions: list[int]) -> int:
    """Choose what all in a call speak."""
    if policy is Policy.OFF or any(each < 1 for each in client_versions):
        return 0
    return 1
