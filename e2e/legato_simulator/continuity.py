"""Whether a stream of packets is unbroken: gaps between arrivals, breaks in what is counted.

Pure: no socket, no clock, no sound; an arrival is a number of nanoseconds that the caller read.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

from msgspec import Struct

SAMPLES = 960
SILENCE = b"\xf8\xff\xfe"
EDGES_MS = (5, 10, 15, 18, 19, 20, 21, 22, 25, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000)
"""Upper edges of the histogram's bins; the last bin has none."""
KEPT_BREAKS = 200
LONG_GAP_MS = 60.0
"""A longer one is listed with its moment: three packets late is what a listener's buffer bears."""

Kind = Literal["sequence", "timestamp", "nonce"]


class Arrival(NamedTuple):
    """One decrypted packet and when the socket had it."""

    at_ns: int
    sequence: int
    timestamp: int
    counter: bytes
    payload: bytes
    epoch: int

    @property
    def silent(self) -> bool:
        """Say whether it is the frame that clients send when they stop."""
        return self.payload == SILENCE


class Break(Struct, frozen=True, kw_only=True):
    """A number that did not follow from the one before."""

    kind: Kind
    at: float
    """Arrival, in seconds of the receiver's monotonic clock."""
    expected: int
    got: int


class LongGap(Struct, frozen=True, kw_only=True):
    """An interval above 60 ms between two sounding packets, and when it ended."""

    at: float
    ms: float


class Gaps(Struct, frozen=True, kw_only=True):
    """Intervals between neighbouring packets, in ms."""

    count: int = 0
    max_ms: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    histogram: dict[str, int] = {}
    """Upper edge in ms -> how many; "more" is the open end."""


class Continuity(Struct, frozen=True, kw_only=True):
    """What one stream of packets (one SSRC) was like."""

    packets: int
    sound: int
    silence: int
    bytes: int
    first_at: float | None
    last_at: float | None
    gaps: Gaps
    """Between sounding packets: what a listener can hear."""
    silence_gaps: Gaps
    """Up to and between the silence frames at a stop."""
    pauses_ms: list[float]
    """From the last silence frame to the next sound: meant, not a fault. The newest 200."""
    long_gaps: list[LongGap]
    lost: int
    """Sequence numbers never seen."""
    late: int
    """Packets older than the newest, or seen twice."""
    breaks: list[Break]
    """The first 200."""

    @property
    def unbroken(self) -> bool:
        """Say whether every number followed; says nothing of the gaps."""
        return not self.breaks


@dataclass(slots=True)
class _Intervals:
    """A histogram of 0.1 ms bins: exact enough for a percentile, and bounded."""

    bins: Counter[int] = field(default_factory=Counter)
    longest_ns: int = 0

    def add(self, interval_ns: int) -> None:
        self.bins[min(interval_ns // 100_000, 600_000)] += 1
        self.longest_ns = max(self.longest_ns, interval_ns)

    def told(self) -> Gaps:
        total = self.bins.total()
        if not total:
            return Gaps()
        return Gaps(
            count=total,
            max_ms=self.longest_ns / 1e6,
            p50_ms=self._quantile(0.5),
            p99_ms=self._quantile(0.99),
            histogram=self._histogram(),
        )

    def _quantile(self, share: float) -> float:
        wanted, seen = share * self.bins.total(), 0
        for tenths in sorted(self.bins):
            seen += self.bins[tenths]
            if seen >= wanted:
                return tenths / 10
        return self.longest_ns / 1e6

    def _histogram(self) -> dict[str, int]:
        told: Counter[str] = Counter()
        for tenths, count in self.bins.items():
            edge = next((edge for edge in EDGES_MS if tenths < edge * 10), None)
            told["more" if edge is None else str(edge)] += count
        keys = [str(edge) for edge in EDGES_MS] + ["more"]
        return {key: told[key] for key in keys if told[key]}


class Judge:
    """Takes one stream's arrivals in order and keeps what they were like, in bounded memory."""

    def __init__(self) -> None:
        self._sound = self._silence = self._bytes = self._lost = self._late = 0
        self._gaps, self._silence_gaps = _Intervals(), _Intervals()
        self._pauses: list[float] = []
        self._long: list[LongGap] = []
        self._breaks: list[Break] = []
        self._first: Arrival | None = None
        self._last: Arrival | None = None
        self._byteorder: Literal["big", "little"] | None = None

    def add(self, arrival: Arrival) -> None:
        """Take the next packet of the stream."""
        silent = arrival.payload == SILENCE
        self._silence += silent
        self._sound += not silent
        self._bytes += len(arrival.payload)
        previous = self._last
        if previous is None:
            self._first = self._last = arrival
            return
        steps = (arrival.sequence - previous.sequence) & 0xFFFF
        if steps == 0 or steps > 0x7FFF:
            self._late += 1
            self._note("sequence", arrival, (previous.sequence + 1) & 0xFFFF, arrival.sequence)
            return
        self._interval(previous, arrival, silent=silent)
        self._numbers(previous, arrival, steps)
        self._last = arrival

    def told(self) -> Continuity:
        """Say what the stream was like so far."""
        return Continuity(
            packets=self._sound + self._silence,
            sound=self._sound,
            silence=self._silence,
            bytes=self._bytes,
            first_at=self._first.at_ns / 1e9 if self._first else None,
            last_at=self._last.at_ns / 1e9 if self._last else None,
            gaps=self._gaps.told(),
            silence_gaps=self._silence_gaps.told(),
            pauses_ms=list(self._pauses),
            long_gaps=list(self._long),
            lost=self._lost,
            late=self._late,
            breaks=list(self._breaks),
        )

    def _interval(self, previous: Arrival, arrival: Arrival, *, silent: bool) -> None:
        interval = arrival.at_ns - previous.at_ns
        if silent:
            self._silence_gaps.add(interval)
        elif previous.payload == SILENCE:
            self._pauses = [*self._pauses[1 - KEPT_BREAKS :], interval / 1e6]
        else:
            self._gaps.add(interval)
            if interval > LONG_GAP_MS * 1e6 and len(self._long) < KEPT_BREAKS:
                self._long.append(LongGap(at=arrival.at_ns / 1e9, ms=interval / 1e6))

    def _numbers(self, previous: Arrival, arrival: Arrival, steps: int) -> None:
        if steps != 1:
            self._lost += steps - 1
            self._note("sequence", arrival, (previous.sequence + 1) & 0xFFFF, arrival.sequence)
        clock = (arrival.timestamp - previous.timestamp) & 0xFFFFFFFF
        # After a stop a client may let the media clock run on (Discord's own does) or stand still.
        resumed = previous.payload == SILENCE and clock < 0x80000000
        if clock != steps * SAMPLES and not (resumed and clock >= steps * SAMPLES):
            wanted = (previous.timestamp + steps * SAMPLES) & 0xFFFFFFFF
            self._note("timestamp", arrival, wanted, arrival.timestamp)
        self._nonce(previous, arrival)

    def _nonce(self, previous: Arrival, arrival: Arrival) -> None:
        order = self._byteorder or _byteorder(previous.counter, arrival.counter)
        self._byteorder = order
        before = int.from_bytes(previous.counter, order)
        after = int.from_bytes(arrival.counter, order)
        if after <= before:
            self._note("nonce", arrival, before + 1, after)

    def _note(self, kind: Kind, arrival: Arrival, expected: int, got: int) -> None:
        if len(self._breaks) < KEPT_BREAKS:
            at = arrival.at_ns / 1e9
            self._breaks.append(Break(kind=kind, at=at, expected=expected, got=got))


def _byteorder(first: bytes, second: bytes) -> Literal["big", "little"]:
    """Tell how a client writes its counter: Discord names no order, so the nearer reading wins."""
    big = abs(int.from_bytes(second, "big") - int.from_bytes(first, "big"))
    little = abs(int.from_bytes(second, "little") - int.from_bytes(first, "little"))
    return "big" if big <= little else "little"


def judge(arrivals: list[Arrival]) -> Continuity:
    """Say what a stretch of one stream was like."""
    judged = Judge()
    for arrival in arrivals:
        judged.add(arrival)
    return judged.told()


def worst_gap_ms(arrivals: list[Arrival]) -> float:
    """Find the longest interval over all streams of a listener, stops left out."""
    return max(
        ((b.at_ns - a.at_ns) / 1e6 for a, b in pairwise(arrivals) if not a.silent and not b.silent),
        default=0.0,
    )


def longest_silence_ms(arrivals: list[Arrival]) -> float:
    """Find the longest interval between sounds, whatever silence was sent meanwhile."""
    return max(
        ((b.at_ns - a.at_ns) / 1e6 for a, b in pairwise(one for one in arrivals if not one.silent)),
        default=0.0,
    )
