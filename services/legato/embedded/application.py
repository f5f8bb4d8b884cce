"""Asks Discord, or the simulator, which application a bot token belongs to. Blocking."""

import json
import urllib.error
import urllib.request

import msgspec

from legato.embedded.problems import StartFailed, TokenRefused
from legato.settings import Secret

DISCORD_REST_URL = "https://discord.com/api/v10"
PERMISSIONS = 1 << 10 | 1 << 11 | 1 << 14 | 1 << 20 | 1 << 21
"""View channels, send messages, embed links, connect, speak:
https://discord.com/developers/docs/topics/permissions"""


class BotUser(msgspec.Struct, frozen=True):
    """The user that a bot appears as; of bots made before 2016 its id is not the application's."""

    id: str


class Application(msgspec.Struct, frozen=True):
    """What we need to know of a bot."""

    id: str
    name: str = ""
    bot: BotUser | None = None

    @property
    def invitation(self) -> str:
        """Return the address by which a person adds the bot to a server."""
        return (
            f"https://discord.com/oauth2/authorize?client_id={self.id}"
            f"&scope=bot+applications.commands&permissions={PERMISSIONS}"
        )


def ask(token: Secret, *, rest_url: str = "", timeout: float = 10) -> Application:
    """Return the token's application; TokenRefused when there is none."""
    address = rest_url or DISCORD_REST_URL
    request = urllib.request.Request(  # noqa: S310 (the scheme is checked by the settings)
        f"{address.rstrip('/')}/applications/@me",
        headers={
            "Authorization": f"Bot {token.reveal()}",
            "User-Agent": "DiscordBot (https://github.com/legato-music/legato, 0)",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            found: Application = msgspec.convert(json.load(answer), Application)
            return found
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error.code, address) from None
    except (OSError, ValueError) as error:
        raise StartFailed(
            f"Discord can't be reached at {address}: {_why(error)}. Check this machine's network."
        ) from None


def _why(error: Exception) -> str:
    """Say it in the system's words, without its numbers."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, OSError):
        return reason.strerror or "no answer in time"
    return "its answer can't be read"


def _refused(status: int, address: str) -> Exception:
    if status == 401:
        return TokenRefused(
            "Discord refuses the token in DISCORD_TOKEN. Copy it again from "
            "https://discord.com/developers/applications (your application, Bot, Reset Token)."
        )
    return StartFailed(f"{address} answered {status}; try again in a minute.")
