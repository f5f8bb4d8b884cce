"""How many steps a second one core takes, by the length of the queue.

    python -m benchmarks.player

A step is the pure part of what one message costs a partition: the step itself, the queue's
difference, and the head written as JSON, as a commit needs them.
"""

import time
from collections.abc import Callable, Iterator
from itertools import cycle

import msgspec

from legato.audio import events, player
from legato.audio.player import Message, Player
from legato.audio.rules import Rules
from legato.contracts import playback, voice
from legato.contracts.tracks import QueueItem, Track

GUILD = 1
NOW = 1_764_000_000_000
ORIGIN = playback.Origin(source="interaction", user_id=5, channel_id=20, received_at=NOW)
RULES = Rules(max_queue=10_000)
SECONDS = 1.0


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


def rate(work: Callable[[], object]) -> float:
    """Count how often a second it can be done."""
    done, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < SECONDS:
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


def main() -> None:
    """Print one table."""
    print(f"{'steps a second':24}{'queue':>7}{'step':>10}{'+ commit':>10}")
    for length in (0, 10, 100, 1000):
        state = waiting(length)
        for name, messages in cases(state):
            turns = cycle(messages)
            only = rate(lambda: player.step(state, next(turns), now=NOW, rules=RULES))  # noqa: B023
            whole = rate(lambda: commit(state, turns))  # noqa: B023
            print(f"{name:24}{length:>7}{only:>10,.0f}{whole:>10,.0f}")


if __name__ == "__main__":
    main()
