"""Passwords of nodes: a new one, and the one before for nodes that still have it."""

import base64
import secrets
from collections.abc import Mapping


def renewed(before: Mapping[str, str]) -> dict[str, str]:
    """Make the content of a password's Secret, as its `data` has it."""
    made = {"password": secrets.token_urlsafe(32)}
    if before.get("password"):
        made["previous"] = before["password"]
    return {key: base64.b64encode(value.encode()).decode() for key, value in made.items()}
