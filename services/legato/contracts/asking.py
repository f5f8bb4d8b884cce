"""Questions that pass streams by: autocomplete asks any audio worker, within 1.5 s. Pure values."""

import msgspec


class Search(msgspec.Struct, frozen=True, kw_only=True, tag="ask.search.v1"):
    """Ask which tracks fit a text."""

    request_id: str
    reply_to: str
    """The key of the list the answer is pushed to."""
    text: str
    guild_id: int
    expires_at: int
    """Server ms; nobody waits longer."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One choice: what people read, and what /play then gets as its query."""

    name: str
    value: str


class Choices(msgspec.Struct, frozen=True, kw_only=True, tag="ask.choices.v1"):
    """The answer to Search, best first, at most 25."""

    choices: tuple[Choice, ...] = ()
