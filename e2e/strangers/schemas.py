"""Asks a stranger's schemas of the protocol whether what taps kept fits them; judges nothing."""

import asyncio
import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from strangers.tap import Exchange, Tap


class Found(msgspec.Struct, frozen=True):
    """What was checked, and what does not fit."""

    checked: int
    seen: dict[str, int]
    """By message or route; what a client put into a body is `sent`, into a query `asked`."""
    faults: list[str]


async def check(
    command: Sequence[str], environment: Mapping[str, str], taps: Iterable[Tap]
) -> Found:
    """Let the program of that command read all that was said."""
    kept = list(taps)
    said = {
        "messages": [json.loads(each.text) for tap in kept for each in tap.messages],
        "exchanges": [_exchange(each) for tap in kept for each in tap.exchanges],
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=dict(environment),
    )
    told, _ = await process.communicate(json.dumps(said).encode())
    return msgspec.json.decode(told, type=Found)


def _exchange(exchange: Exchange) -> dict[str, object]:
    return {
        "client": exchange.client,
        "method": exchange.method,
        "path": exchange.path,
        "query": exchange.query,
        "sent": _json(exchange.sent),
        "status": exchange.status,
        "answered": _json(exchange.answered),
    }


def _json(text: str) -> object:
    with contextlib.suppress(json.JSONDecodeError):
        return json.loads(text)
    return text
