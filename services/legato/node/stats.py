"""The node's figures in Lavalink's words: players, memory, processor, frames of the last minute."""

import os
import pathlib
import resource
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from legato.node import ring

MINUTE = 60


class Shown(Protocol):
    """What counts of a player."""

    @property
    def playing(self) -> bool:
        """Whether a track plays."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes; `reservable` is what the machine or container allows."""

    free: int
    used: int
    allocated: int
    reservable: int


class Cpu(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Loads from 0 to 1."""

    cores: int
    system_load: float
    lavalink_load: float


class FrameStats(msgspec.Struct, frozen=True, kw_only=True):
    """Frames of the last minute: sent, missing when due, and due beyond both."""

    sent: int
    nulled: int
    deficit: int


class Stats(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What /v4/stats answers."""

    players: int
    playing_players: int
    uptime: int
    memory: Memory
    cpu: Cpu


class StatsMessage(Stats, frozen=True, kw_only=True, rename="camel"):
    """What the websocket carries."""

    op: str = "stats"
    frame_stats: FrameStats | None


class Window:
    """Frames of one session over the last minute, from the lanes' counters."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[int, int, int]] = {}
        self._seconds: deque[tuple[int, int, int]] = deque(maxlen=MINUTE)

    def sample(self, lanes: Mapping[int, memoryview]) -> None:
        """Take the counters once a second."""
        total = [0, 0, 0]
        now: dict[int, tuple[int, int, int]] = {}
        for number, words in lanes.items():
            counted = (words[ring.LANE_DUE], words[ring.LANE_SENT], words[ring.LANE_NULLED])
            for index, before in enumerate(self._before.get(number, (0, 0, 0))):
                total[index] += counted[index] - before
            now[number] = counted
        self._before = now
        self._seconds.append((total[0], total[1], total[2]))

    def frames(self) -> FrameStats:
        """Sum the last minute up."""
        due, sent, nulled = (sum(second[index] for second in self._seconds) for index in range(3))
        return FrameStats(sent=sent, nulled=nulled, deficit=due - sent - nulled)


class Usage:
    """What the node uses of its machine."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self._measured = (time.monotonic(), _processor_seconds())
        self._load = 0.0

    def stats(self, players: Sequence[Shown]) -> Stats:
        """Answer /v4/stats."""
        return Stats(
            players=len(players),
            playing_players=sum(shown.playing for shown in players),
            uptime=int((time.monotonic() - self.started) * 1000),
            memory=_memory(),
            cpu=self._cpu(),
        )

    def message(self, players: Sequence[Shown], frames: FrameStats | None) -> StatsMessage:
        """Fill the websocket's message."""
        said = self.stats(players)
        return StatsMessage(
            frame_stats=frames,
            players=said.players,
            playing_players=said.playing_players,
            uptime=said.uptime,
            memory=said.memory,
            cpu=said.cpu,
        )

    def _cpu(self) -> Cpu:
        cores = os.cpu_count() or 1
        now, used = time.monotonic(), _processor_seconds()
        before, used_before = self._measured
        if now - before >= 1:
            self._load = max(0.0, used - used_before) / (now - before) / cores
            self._measured = (now, used)
        system = min(1.0, os.getloadavg()[0] / cores)
        return Cpu(cores=cores, system_load=system, lavalink_load=min(1.0, self._load))


def _memory() -> Memory:
    used = _resident()
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = min(machine, _container_limit() or machine)
    return Memory(free=max(0, limit - used), used=used, allocated=used, reservable=limit)


def _children() -> list[pathlib.Path]:
    """Folders of this process and its children under /proc; none where there is no /proc."""
    own = pathlib.Path("/proc/self")
    listed = own / "task" / str(os.getpid()) / "children"
    if not listed.exists():
        return []
    return [own, *(pathlib.Path("/proc") / pid for pid in listed.read_text().split())]


def _resident() -> int:
    pages = 0
    for folder in _children():
        try:
            pages += int((folder / "statm").read_text().split()[1])
        except OSError:
            continue
    if pages:
        return pages * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _processor_seconds() -> float:
    ticks = 0
    for folder in _children():
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _container_limit() -> int | None:
    try:
        text = pathlib.Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
