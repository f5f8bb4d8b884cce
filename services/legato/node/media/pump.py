"""Fills one feed's ring from one link, in a thread of its own, a second ahead of the pacer."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from legato.node import messages, protocol
from legato.node.errors import Cancelled, MediaError
from legato.node.media.decoding import Media, Unit
from legato.node.media.live import Broadcast
from legato.node.media.shaping import Shape, Shaper
from legato.node.media.turns import Turns
from legato.node.ring import FeedWriter
from legato.node.rtp import FRAME_MS, SAMPLES
from legato.node.settings import MediaSettings
from legato.node.sources.http import HttpReader, Limits

BURST = 20
"""Frames made in one go: waking for each few costs more than making them does."""

CHUNK = 25
"""Units made before another feed's thread may have its turn; a ring that runs low is one turn."""

REST = 0.1
"""Seconds between two looks at a ring that nobody empties, or whose track is at its end."""

LEAD = 3
"""Frames that the pacer may send while a new rendition is made."""

KEPT = 96
"""Units kept for a new rendition: what can lie ahead, and what the codecs warm up on."""

WARM_UP = 8
"""Units that the codecs hear before a new rendition: twice what RFC 7845 asks of a decoder."""

Report = Callable[[protocol.ExceptionInfo], None]


class Pump:
    """One feed's producer."""

    def __init__(
        self,
        order: messages.OpenFeed,
        ring: FeedWriter,
        reader: HttpReader,
        settings: MediaSettings,
        turns: Turns,
    ) -> None:
        self._order = order
        self._ring = ring
        self._settings = settings
        self._reader = reader
        self._turns = turns
        reader.waiting = turns.away
        self._wake = threading.Event()
        self._closed = False
        self._offset = 0
        self._made = 0
        shape = Shape(order.volume, order.filters)
        self._shapes = [(order.start, shape)]
        """From which position on which shape was written; the newest is the last."""
        self._shaper = self._new_shaper(shape, settle=order.start > 0 and not order.align)
        self._wanted: Shape | None = None
        self._kept: deque[Unit] = deque(maxlen=KEPT)
        self._again: deque[Unit] = deque()
        self._positions: deque[int] = deque()
        """Of the units whose packets have not come yet; of the next packet where time is scaled."""

    def start(self, report: Report) -> None:
        """Begin, and report what breaks."""
        name = f"feed-{self._order.feed}"
        threading.Thread(target=self._run, args=[report], name=name, daemon=True).start()

    def reshape(self, volume: int, filters: protocol.Filters) -> None:
        """Change volume and filters, from a few frames after the pacer's place on."""
        self._wanted = Shape(volume, filters)
        self._wake.set()

    def close(self) -> None:
        """Stop; the thread lets go of the ring."""
        self._closed = True
        self._reader.close()
        self._wake.set()

    def _run(self, report: Report) -> None:
        try:
            with self._turns:
                self._play()
        except Cancelled:
            pass
        except MediaError as error:
            self._fail(report, error.message, error.severity, error.cause)
        except Exception as error:
            self._fail(report, "Something broke when playing the track.", "fault", repr(error))
        finally:
            self._reader.release()
            self._ring.close()

    def _fail(self, report: Report, message: str, severity: str, cause: str) -> None:
        if not self._closed:
            self._ring.fail()
            report(protocol.ExceptionInfo(message=message, severity=severity, cause=cause))

    def _play(self) -> None:
        start = 0 if self._order.live else self._order.start
        self._offset = self._order.start - start
        self._reader.limits = Limits(time.monotonic() + self._settings.load_timeout)
        self._reader.open(onward=start == 0)
        with Media(self._reader, seek=start > 0) as media:
            units = self._units(media, start)
            while not self._closed:
                self._reform()
                if self._full():
                    self._rest()
                    continue
                self._write(units, start)
                self._made += 1
                if self._made % CHUNK == 0:
                    self._turns.pause()
        raise Cancelled("closed")

    def _units(self, media: Media, start: int) -> Iterator[Unit]:
        """Give a file's units from `start` on, or all of a broadcast."""
        is_station = self._reader.station is not None
        if is_station or (self._reader.length is None and media.duration_ms is None):
            return Broadcast(media, self._reopen, returns=is_station).units()
        return media.units(start)

    def _reopen(self, delay: float) -> Media:
        """Open a broadcast anew; raises MediaError."""
        self._reader.release()
        with self._turns.away():
            self._wake.wait(delay)
        self._wake.clear()
        self._reader = HttpReader(self._order.uri, self._settings)
        self._reader.waiting = self._turns.away
        self._reader.limits = Limits(time.monotonic() + self._settings.load_timeout)
        if self._closed:
            raise Cancelled("closed")
        self._reader.open()
        return Media(self._reader, seek=False)

    def _write(self, units: Iterator[Unit], start: int) -> None:
        """Write the next unit; at the end wait, for a new shape may ask for some again."""
        if self._again:
            unit = self._again.popleft()
        else:
            following = next(units, None)
            if following is None:
                self._put(self._shaper.flush())
                self._ring.end()
                self._rest()
                return
            unit = following
            self._kept.append(unit)
        if unit.position + SAMPLES <= start:
            self._shaper.warm([unit])
            return
        if self._shaper.pace is None or not self._positions:
            self._positions.append(unit.position + self._offset)
        self._put(self._shaper.shape(unit))

    def _put(self, packets: list[bytes]) -> None:
        for packet in packets:
            self._ring.write(self._place(), packet)
            self._reader.limits = Limits()

    def _place(self) -> int:
        """Say where in the track the next packet is from."""
        pace = self._shaper.pace
        if pace is None:
            return self._positions.popleft()
        position = self._positions[0]
        self._positions[0] += round(SAMPLES * pace)
        return position

    def _full(self) -> bool:
        return self._spare >= BURST or self._ring.room <= 0

    @property
    def _spare(self) -> int:
        """Frames ahead of the reader beyond what is always kept ready."""
        ahead = round(self._ring.ahead / (self._shaper.pace or 1))
        return ahead - self._settings.buffer_ms // FRAME_MS

    def _rest(self) -> None:
        """Wait until the reader has come to what is kept ready, or something is asked for."""
        with self._turns.away():
            self._wake.wait(max(REST, self._spare * FRAME_MS / 1000))
        self._wake.clear()

    def _reform(self) -> None:
        """Go over to a new shape: what lies ahead is made again from the units kept."""
        wanted = self._wanted
        if wanted is None:
            return
        lead = round(LEAD * SAMPLES * (self._shaper.pace or 1))
        resume = self._ring.position - self._offset + lead
        if self._positions:
            resume = min(resume, self._positions[0] - self._offset)
        ahead = [unit for unit in self._kept if unit.position >= resume]
        if self._ring.room < len(ahead):
            # The pacer has not come to the last change yet.
            return
        self._wanted = None
        before = [unit for unit in self._kept if unit.position < resume]
        self._shaper = self._new_shaper(wanted, before=self._shape_at(resume))
        self._shaper.warm(before[-WARM_UP:])
        self._shapes.append((ahead[0].position if ahead else resume, wanted))
        self._positions.clear()
        self._again = deque(ahead)
        if ahead:
            self._ring.renew(ahead[0].position + self._offset)
            self._ring.reopen()

    def _shape_at(self, position: int) -> Shape:
        """Say what goes out just before a position, and forget what never will."""
        while len(self._shapes) > 1 and self._shapes[-1][0] >= position:
            self._shapes.pop()
        del self._shapes[:-1]
        return self._shapes[-1][1]

    def _new_shaper(
        self, shape: Shape, *, before: Shape | None = None, settle: bool = False
    ) -> Shaper:
        return Shaper(
            shape,
            bitrate=self._settings.bitrate,
            quality=self._settings.encoding_quality,
            before=before,
            settle=settle,
        )
