"""Players into PostgreSQL, behind the play: changed ones together, playing ones now and then.

Only `(epoch, version)` that grow are taken, so what an older owner still had on its way is refused.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import structlog
from msgspec.structs import replace

from legato.audio import views
from legato.audio.effects import Audit, Note, Record
from legato.audio.player import Player, durable, restore
from legato.audio.state import PlayerHead
from legato.contracts.partitions import Partition
from legato.contracts.settings import GuildSettings
from legato.errors import Unavailable
from legato.store import audit, guilds, history, profiles, queues
from legato.store.database import Database
from legato.store.profiles import Profile

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

POSITIONS_EVERY = timedelta(seconds=5)
"""How much of a position is lost at most with the whole of Redis."""
BATCH = 200
TRIED_WITHIN = 30.0
"""Seconds in which what failed was surely tried again, if it still matters."""
MOST_PEOPLE = 10_000
"""People noted for the next batches; of more, those who were not seen longest are forgotten."""

_heads = msgspec.json.Decoder(PlayerHead)


@dataclass(frozen=True, slots=True)
class Owned:
    """A player, as its owner has it now."""

    partition: Partition
    epoch: int
    player: Player
    now: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A player read back."""

    player: Player
    alive_at: int
    """When its position was true."""


class WriteBehind:
    """Collects what changed, and writes it in batches."""

    def __init__(
        self,
        database: Database,
        bot: int,
        *,
        find: Callable[[int], Owned | None],
        playing: Callable[[], Iterable[int]],
        stored: Callable[[Collection[int]], Awaitable[None]],
        every: timedelta,
    ) -> None:
        """`find` gives a guild's player if this process owns it; `playing` names the audible.

        `stored` hears which guilds' queues are other ones now.
        """
        self.is_open = True
        """False until the schema is known to be ours; until then nothing is read or written."""
        self._failed: tuple[float, str] | None = None
        """When the last write failed, and why; None after one that succeeded."""
        self._store = database
        self._bot = bot
        self._find = find
        self._playing = playing
        self._stored = stored
        self._every = every
        self._people: dict[int, Profile] = {}
        self._wanted: dict[int, asyncio.Future[None]] = {}

    @property
    def problem(self) -> str:
        """Say why the last write failed; "" where none did lately."""
        if self._failed is None or time.monotonic() - self._failed[0] > TRIED_WITHIN:
            return ""
        return self._failed[1]

    @property
    def waiting(self) -> int:
        """Count the players and people that the next batch is to write."""
        return len(self._wanted) + len(self._people)

    @property
    def _database(self) -> Database:
        if not self.is_open:
            raise Unavailable("postgres", "it has not been there since the start")
        return self._store

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Note whether PostgreSQL takes writes: it may be there and have no room."""
        try:
            yield
        except Unavailable as error:
            self._failed = time.monotonic(), error.why or str(error)
            raise
        self._failed = None

    async def save(self, guild_id: int) -> None:
        """Have a player written with the next batch, and wait for it; Unavailable = try again."""
        loop = asyncio.get_running_loop()
        waiting = self._wanted.setdefault(guild_id, loop.create_future())
        await asyncio.shield(waiting)

    async def run(self) -> None:
        """Write batch after batch."""
        loop = asyncio.get_running_loop()
        positions_at = 0.0
        while True:
            await asyncio.sleep(self._every.total_seconds())
            batch, self._wanted = self._wanted, {}
            if loop.time() >= positions_at:
                positions_at = loop.time() + POSITIONS_EVERY.total_seconds()
                for guild_id in self._playing():
                    batch.setdefault(guild_id, loop.create_future())
            await self._write(batch)
            await self._write_people()

    async def _write(self, batch: dict[int, asyncio.Future[None]]) -> None:
        names = list(batch)
        for start in range(0, len(names), BATCH):
            chunk = names[start : start + BATCH]
            found = [owned for name in chunk if (owned := self._find(name)) is not None]
            problems = await self._try(found) if found else {}
            for name in chunk:
                _finish(batch[name], problems.get(name))

    async def _try(self, found: list[Owned]) -> dict[int, Exception]:
        """Write players; return whose were not written, and why. One that can't be harms no other.

        A batch that PostgreSQL refuses is halved until the one that it refuses stands alone.
        """
        try:
            await self._save(found)
        except Unavailable as error:
            log.warning("players not saved", count=len(found), why=str(error))
            return {owned.player.guild_id: error for owned in found}
        except Exception as error:  # an edge: one guild's value is not the others' fault
            half = len(found) // 2
            if half:
                return {**await self._try(found[:half]), **await self._try(found[half:])}
            guild = found[0].player.guild_id
            log.exception("player can't be saved", guild=guild)
            return {guild: error}
        return {}

    async def _save(self, found: list[Owned]) -> None:
        with self._writing():
            written = await queues.save(self._database, [_document(one) for one in found])
        if not written:
            return
        try:
            await self._stored(written)
        except Unavailable as error:
            log.warning("caches not told", count=len(written), why=str(error))

    def note(self, note: Note) -> None:
        """Have a person noted with the next batch; a crash may forget it."""
        before = self._people.pop(note.user_id, None)
        plays = before.plays if before else 0
        if len(self._people) >= MOST_PEOPLE:
            del self._people[next(iter(self._people))]
        self._people[note.user_id] = Profile(
            user_id=note.user_id, locale=note.locale, plays=plays + 1
        )

    async def _write_people(self) -> None:
        people = tuple(self._people.values())[:BATCH]
        if not people:
            return
        try:
            with self._writing():
                await profiles.note(self._database, self._bot, people)
        except Unavailable as error:
            log.warning("people not noted", count=len(people), why=str(error))
            return
        except Exception:  # an edge: what can't be noted is forgotten
            log.exception("people can't be noted", count=len(people))
        for person in people:
            left = self._people.pop(person.user_id, None)
            if left is not None and left is not person:  # noted again meanwhile
                plays = max(1, left.plays - person.plays)
                self._people[left.user_id] = replace(left, plays=plays)

    async def audit(self, guild_id: int, deed: Audit) -> None:
        """Write who did what; once, however often it is tried."""
        entry = audit.Entry(
            event_id=deed.key,
            action=deed.action,
            actor_id=deed.user_id,
            guild_id=guild_id,
            detail=deed.detail,
            at=datetime.fromtimestamp(deed.at / 1000, UTC),
        )
        with self._writing():
            await audit.add(self._database, self._bot, entry)

    async def record(self, guild_id: int, record: Record) -> None:
        """Write one row of history."""
        play = history.Play(
            bot_id=self._bot,
            guild_id=guild_id,
            play_id=record.play_id,
            requester_id=record.requester_id,
            title=record.track.title,
            uri=record.track.uri,
            source_name=record.track.source_name,
            length=record.track.length,
            heard=record.heard,
            end_reason=record.reason,
            started_at=datetime.fromtimestamp(record.started_at / 1000, UTC),
        )
        with self._writing():
            await history.add(self._database, [play])

    async def save_settings(self, guild_id: int, settings: GuildSettings, *, epoch: int) -> bool:
        """Write a guild's settings; False where newer ones are there."""
        with self._writing():
            return await guilds.save(self._database, self._bot, guild_id, settings, epoch=epoch)

    async def settings(self, guild_id: int) -> GuildSettings:
        """Read a guild's settings."""
        found = await guilds.load(self._database, self._bot, [guild_id])
        return found.get(guild_id, GuildSettings())

    async def load(self, partition: Partition, *, count: int) -> list[Stored]:
        """Read back a partition's players."""
        names = await queues.of_partition(self._database, partition, count=count)
        found = await queues.load(self._database, partition.bot, names)
        return [stored for document in found.values() if (stored := _stored(document))]


def _finish(waiting: asyncio.Future[None], problem: Exception | None) -> None:
    if waiting.done():
        return
    if problem is None:
        waiting.set_result(None)
    else:
        waiting.set_exception(problem)
        waiting.exception()  # nobody may be waiting


def _document(owned: Owned) -> queues.StoredPlayer:
    found, play = owned.player, owned.player.play
    panel = found.panel_message_id if found.panel_channel_id == found.text_channel_id else 0
    shown = views.now_playing(found, now=owned.now)
    return queues.StoredPlayer(
        bot_id=owned.partition.bot,
        guild_id=found.guild_id,
        region=owned.partition.region,
        epoch=owned.epoch,
        # Positions are written without a change of the player, so its revision won't do.
        version=owned.now,
        voice_channel_id=found.voice.wanted,
        text_channel_id=found.text_channel_id or None,
        panel_message_id=panel or None,
        track=play.track if play else None,
        play_id=play.play_id if play else None,
        requester_id=play.item.requester_id if play else None,
        position=shown.position,
        position_at=owned.now,
        pause_reasons=shown.pause_reasons,
        volume=found.volume,
        items=found.queue,
        state=msgspec.json.encode(durable(found)),
    )


def _stored(document: queues.StoredPlayer) -> Stored | None:
    """Understand a player; None for one that can't be, which harms no other."""
    try:
        head = _heads.decode(document.state)
    except msgspec.DecodeError:
        log.exception("player can't be read", guild=document.guild_id)
        return None
    return Stored(restore(head, document.items), document.position_at)
