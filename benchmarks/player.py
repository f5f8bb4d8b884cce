"""How many steps a second one core takes, by the length of the queue.

A step is the pure part of what one message costs a partition: the step itself, the queue's
difference, and the head written as JSON, as a commit needs them.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import cycle

import msgspec

from benchmarks.measured import Benchmark, Measured, Row
from legato.audio import events, player
from legato.audio.player import Message, Player
from legato.audio.rules import Rules
from legato.contracts import playback, voice
from legato.contracts.tracks import QueueItem, Track

GUILD = 1
NOW = 1_764_000_000_000
ORIGIN = playback.Origin(source="interaction", user_id=5, channel_id=20, received_at=NOW)
RULES = Rules(max_queue=10_000)
LENGTHS = (10, 1000)
AIM = 20_000


def track(name: str) -> Track:
    """Make a track of a usual size."""
    return Track(encoded="QAAA" * 60, title=name, author="Somebody", length=200_000, uri=name)


def waiting(length: int) -> Player:
    """Make a player that plays, with so many tracks behind."""
    items = tuple(
        QueueItem(id=str(n), rank=n << 20, track=track(str(n)), requester_id=5, added_at=NOW)
        for n in range(length + 1)
    )
    state = player.restore(player.head(player.new(GUILD)), items)
    mark = voice.Mark(session="s", seq=1)
    common = {"guild_id": GUILD, "mark": mark, "at": NOW}
    for message in (
        playback.Play(
            id=1, guild_id=GUILD, origin=ORIGIN, expires_at=NOW * 2, query="q", voice_channel_id=10
        ),
        voice.VoiceStateChanged(channel_id=10, session_id="v", listeners=1, **common),  # type: ignore[arg-type]
        voice.VoiceServerChanged(token="t", endpoint="e", **common),  # type: ignore[arg-type]
        events.NodeAssigned(guild_id=GUILD, node="n", session_id="s"),
        events.ResolveFailed(guild_id=GUILD, slot="1", reason="not_found"),
    ):
        state = player.step(state, message, now=NOW, rules=RULES).player
    assert state.play is not None
    started = events.TrackStarted(guild_id=GUILD, play_id=state.play.play_id)
    return player.step(state, started, now=NOW, rules=RULES).player


def command(kind: type[playback.Command], **values: object) -> Message:
    """Make a command that does not expire."""
    common = {"id": 9, "guild_id": GUILD, "origin": ORIGIN, "expires_at": NOW * 2}
    return kind(**common, **values)  # type: ignore[arg-type, return-value]


def cases(state: Player) -> Iterator[tuple[str, list[Message]]]:
    """Name the messages that are measured; each list is sent to the same player in turn."""
    assert state.play is not None
    play_id = state.play.play_id
    yield "pause", [command(playback.Pause)]
    yield "set volume", [command(playback.SetVolume, change=5)]
    yield (
        "position report",
        [
            events.PositionReported(
                guild_id=GUILD, play_id=play_id, position=0, connected=True, at=NOW
            )
        ],
    )
    yield "skip to the next", [command(playback.Skip)]
    yield "take a place", [command(playback.Play, query="q", voice_channel_id=10)]
    yield "show the queue", [command(playback.ShowQueue)]


def rate(work: Callable[[], object], seconds: float) -> float:
    """Count how often it can be done in a second of this process's own core time."""
    done, began = 0, time.process_time()
    while (spent := time.process_time() - began) < seconds:
        for _ in range(100):
            work()
        done += 100
    return done / spent


def commit(state: Player, messages: Iterator[Message]) -> None:
    """Do the pure part of one commit."""
    stepped = player.step(state, next(messages), now=NOW, rules=RULES)
    difference = player.diff(state, stepped.player)
    msgspec.json.encode(player.head(stepped.player))
    msgspec.json.encode(stepped.effects)
    msgspec.json.encode(difference.put)


async def measure(quick: bool) -> Measured:
    """Measure each message with a short and with a long queue."""
    seconds = 0.1 if quick else 0.5
    found: dict[tuple[str, int], tuple[float, float]] = {}
    for length in LENGTHS:
        state = waiting(length)
        for name, messages in cases(state):
            turns = cycle(messages)
            step, whole = partial(_step, state, turns), partial(commit, state, turns)
            found[name, length] = rate(step, seconds), rate(whole, seconds)
    return Measured(rows=tuple(_row(key, found) for key in found))


def _step(state: Player, messages: Iterator[Message]) -> None:
    player.step(state, next(messages), now=NOW, rules=RULES)


def _row(key: tuple[str, int], found: Mapping[tuple[str, int], tuple[float, float]]) -> Row:
    name, length = key
    return Row(
        what=f"{name}, queue of {length:,}",
        figure=found[key][0],
        unit="/s",
        least=AIM,
        base=found[name, LENGTHS[0]][0] if length != LENGTHS[0] else None,
        base_of=f"queue of {LENGTHS[0]}",
        note=f"{found[key][1]:,.0f} with diff and JSON",
    )


BENCHMARK = Benchmark(
    shows="How many steps a second one core takes, by message and by the length of the queue.",
    measure=measure,
    limit=60,
    quick_limit=15,
)
