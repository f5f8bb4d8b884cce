"""Which music fits a text: the catalogue's, then what a node finds. For autocomplete and /play."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp
import msgspec
import structlog

from legato import queries
from legato.audio.lavalink import Loaded
from legato.audio.metrics import Metrics
from legato.bus import Bus
from legato.clock import ServerClock
from legato.contracts.asking import Choice, Choices, Search
from legato.contracts.tracks import Track
from legato.errors import Unavailable
from legato.text import clock, plain

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

MOST = 25
NAME_LENGTH = 100
"""Discord's limits of choices: discord.com/developers/docs, application command options."""
FRESH = timedelta(minutes=1)
FETCH_WITHIN = timedelta(seconds=2)
LISTENERS = 4
"""Questions answered side by side."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of a catalogue."""

    title: str
    url: str
    artist: str = ""
    seconds: float = 0
    length: int = 0
    """Milliseconds, where `seconds` isn't given."""

    @property
    def words(self) -> str:
        """What a text is looked for in."""
        return f"{self.title} {self.artist}".casefold()


class _Listed(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[Piece, ...] = ()


class Catalogue:
    """A list of music on an HTTP server, kept for a minute."""

    def __init__(self, http: aiohttp.ClientSession, url: str | None) -> None:
        self._http = http
        self._url = url
        self._pieces: tuple[Piece, ...] = ()
        self._until = 0.0

    @property
    def is_named(self) -> bool:
        """Whether there is a list at all."""
        return self._url is not None

    async def find(self, text: str) -> list[Piece]:
        """Return the pieces that hold every word, best first; all of them for no word."""
        wanted = text.casefold().split()
        found = [
            piece for piece in await self._read() if all(word in piece.words for word in wanted)
        ]
        start = text.casefold().strip()
        return sorted(found, key=lambda piece: not piece.words.startswith(start))

    async def _read(self) -> tuple[Piece, ...]:
        now = asyncio.get_running_loop().time()
        if self._url is None or now < self._until:
            return self._pieces
        try:
            timeout = aiohttp.ClientTimeout(total=FETCH_WITHIN.total_seconds())
            async with self._http.get(self._url, timeout=timeout) as answer:
                answer.raise_for_status()
                self._pieces = _pieces(await answer.read())
            self._until = now + FRESH.total_seconds()
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            log.warning("catalogue not read", why=type(error).__name__)
            self._until = now + 5
        return self._pieces


def _pieces(raw: bytes) -> tuple[Piece, ...]:
    found = msgspec.json.decode(raw, type=_Listed | list[Piece])
    return found.items if isinstance(found, _Listed) else tuple(found)


class Searcher:
    """Answers questions of gateways."""

    def __init__(
        self,
        bus: Bus,
        catalogue: Catalogue,
        load: Callable[[str, timedelta], Awaitable[Loaded]],
        *,
        prefix: str,
        clock: ServerClock,
        metrics: Metrics,
    ) -> None:
        """`load` asks any node; `prefix` makes words a search there, "" = none."""
        self._bus = bus
        self._catalogue = catalogue
        self._load = load
        self._prefix = prefix
        self._clock = clock
        self._metrics = metrics

    async def run(self, key: str) -> None:
        """Answer what is asked on a list."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(LISTENERS):
                tasks.create_task(self._listen(key))

    async def _listen(self, key: str) -> None:
        decoder = msgspec.json.Decoder(Search)
        while True:
            try:
                question = await self._bus.questions(key, decoder=decoder)
                if question is not None:
                    await self._answer(question)
            except Unavailable as error:
                log.warning("search not answered", why=str(error))
                await asyncio.sleep(0.5)

    async def _answer(self, question: Search) -> None:
        left = timedelta(milliseconds=question.expires_at - self._clock.now())
        if left <= timedelta(0):
            self._metrics.searches.labels("late").inc()
            return
        choices = await self.choices(question.text, within=left)
        await self._bus.reply(question.reply_to, Choices(choices=tuple(choices)))
        self._metrics.searches.labels("answered" if choices else "empty").inc()

    async def choices(self, text: str, *, within: timedelta) -> list[Choice]:
        """Return what fits, best first."""
        found = [_of_piece(piece) for piece in await self._catalogue.find(text)]
        is_searched = bool(text.strip()) and queries.kind(text) == "words"
        if self._prefix and is_searched and len(found) < MOST:
            found += await self._ask_node(text, within)
        return [choice for choice in found if len(choice.value) <= NAME_LENGTH][:MOST]

    async def _ask_node(self, text: str, within: timedelta) -> list[Choice]:
        try:
            loaded = await self._load(self._prefix + text, within * 0.8)
        except Unavailable as error:
            log.info("no node searched", why=str(error))
            return []
        return [_of_track(track) for track in loaded.tracks if track.uri]


def _of_piece(piece: Piece) -> Choice:
    length = piece.length or round(piece.seconds * 1000)
    title = f"{piece.title} - {piece.artist}" if piece.artist else piece.title
    return Choice(name=_name(title, length), value=piece.url)


def _of_track(track: Track) -> Choice:
    title = f"{track.title} - {track.author}" if track.author else track.title
    return Choice(name=_name(title, track.length), value=track.uri or "")


def _name(title: str, length: int) -> str:
    ending = f" ({clock(length)})" if length else ""
    return plain(title, NAME_LENGTH - len(ending)) + ending
