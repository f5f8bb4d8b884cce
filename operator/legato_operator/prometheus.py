"""Prometheus: one question at a time, by its HTTP API. Knows neither bots nor nodes.

https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

import ssl
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import aiohttp
import msgspec

from legato.settings import Secret, spell
from legato_operator.answers import Found, Sample
from legato_operator.scaling import NoAnswer

LONG_AGO = timedelta(hours=1)
"""What is not fresh is looked for this far back, only to say that it is stale."""
LARGEST = 4 << 20
"""Bytes of an answer."""


class _Data(msgspec.Struct):
    result_type: str = msgspec.field(name="resultType", default="")
    result: Any = None


class _Answer(msgspec.Struct):
    status: str
    data: _Data = msgspec.field(default_factory=_Data)
    error: str = ""
    warnings: list[str] = []


class _Series(msgspec.Struct):
    value: tuple[float, str]
    metric: dict[str, str] = {}


class Prometheus:
    """One server, or whatever speaks like it."""

    def __init__(
        self,
        url: str,
        *,
        token: Secret | None = None,
        ca_file: str = "",
        timeout: timedelta = timedelta(seconds=3),
        fresh: timedelta = timedelta(minutes=1),
        unanswered: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`fresh`: an older figure is none; it must hold a few of the targets' intervals."""
        self._url = url.rstrip("/") + "/api/v1/query"
        self._fresh = fresh
        self._unanswered = unanswered
        trusted = ssl.create_default_context(cafile=ca_file) if ca_file else True
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trusted, limit=8),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=timeout.total_seconds()),
        )

    async def ask(self, query: str) -> Found:
        """Ask for what is so now: series, or why there is no answer. An empty answer is no zero."""
        found = await self._twice(query)
        if isinstance(found, NoAnswer):
            self._unanswered(found.why)
        return found

    async def close(self) -> None:
        """Close its connections."""
        await self._http.close()

    async def _twice(self, query: str) -> Found:
        found = await self._ask(query, self._fresh)
        if isinstance(found, NoAnswer) or found:
            return found
        older = await self._ask(query, LONG_AGO)
        if isinstance(older, NoAnswer) or not older:
            return NoAnswer("Empty", "Prometheus has no such series")
        return NoAnswer("Stale", f"Prometheus' figures are older than {spell(self._fresh)}")

    async def _ask(self, query: str, reach: timedelta) -> Found:
        form = {"query": query, "lookback_delta": f"{reach.total_seconds():.0f}s"}
        try:
            async with self._http.post(self._url, data=form) as answer:
                text = await answer.content.read(LARGEST + 1)
                while len(text) <= LARGEST and (more := await answer.content.read(LARGEST)):
                    text += more
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return NoAnswer("Error", f"Prometheus does not answer: {_why(error)}")
        if len(text) > LARGEST:
            return NoAnswer("Error", "Prometheus answered with too many series")
        return _read(answer.status, text)


def _read(status: int, text: bytes) -> Found:
    try:
        said = msgspec.json.decode(text, type=_Answer)
    except msgspec.DecodeError:
        return NoAnswer("Error", f"Prometheus answered {status} with something else than an answer")
    if status != 200 or said.status != "success":
        return NoAnswer("Error", f"Prometheus refused the question: {said.error or status}"[:500])
    if said.warnings:
        return NoAnswer("Partial", f"Prometheus answered in part: {said.warnings[0]}"[:500])
    try:
        return _samples(said.data)
    except (msgspec.ValidationError, ValueError):
        return NoAnswer("Error", "Prometheus' answer has another form than it should")


def _samples(data: _Data) -> Found:
    match data.result_type:
        case "vector":
            found = msgspec.convert(data.result, list[_Series])
            return [Sample(one.metric, float(one.value[1])) for one in found]
        case "scalar":
            _, value = msgspec.convert(data.result, tuple[float, str])
            return [Sample({}, float(value))]
        case other:
            return NoAnswer("Error", f"The question has a {other or 'nothing'} for its answer")


def _why(error: Exception) -> str:
    return "it takes too long" if isinstance(error, TimeoutError) else str(error)[:300]
