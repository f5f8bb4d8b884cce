"""The applications that may log in, and the tokens they do it with. It knows no sockets."""

import base64
import binascii
import secrets
from dataclasses import dataclass, field

from legato_simulator.json_values import Json


@dataclass(slots=True)
class Bot:
    """One application; its bot user has the same id, as Discord's have since 2016."""

    id: int
    name: str
    token: str
    commands: dict[int, Json] = field(default_factory=dict)
    """Global commands and guild commands (`guild_id` tells them apart), by id."""
    creates: int = 0
    """Commands created, for the limit of 200 a day and guild."""


def token_for(bot_id: int) -> str:
    """Make a token of Discord's shape: the id in base64, a time and a secret."""
    head = base64.urlsafe_b64encode(str(bot_id).encode()).decode().rstrip("=")
    return f"{head}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(27)}"


def id_in(token: str) -> int | None:
    """Read the bot's id out of a token's first part, where it is one."""
    head = token.split(".", 1)[0]
    try:
        text = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return int(text) if text.isascii() and text.isdigit() else None


class Bots:
    """All applications, by id and by token."""

    def __init__(self) -> None:
        self.by_id: dict[int, Bot] = {}

    def add(self, bot: Bot) -> Bot:
        """Let one more application log in."""
        self.by_id[bot.id] = bot
        return bot

    def with_token(self, token: str) -> Bot | None:
        """Find whom a token belongs to."""
        for bot in self.by_id.values():
            if secrets.compare_digest(bot.token.encode(), token.encode()):
                return bot
        return None

    def reset_token(self, bot: Bot) -> str:
        """Make the old token worthless, as Discord does past the identify limit."""
        bot.token = token_for(bot.id)
        return bot.token
