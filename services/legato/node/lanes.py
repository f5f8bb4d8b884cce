"""What a lane sends at each tick: a frame, silence at a break, or nothing. No clock, no socket."""

from dataclasses import dataclass, field

from legato.node import ring, rtp
from legato.node.ring import FeedReader


@dataclass(slots=True)
class Feed:
    """One feed of a lane."""

    number: int
    reader: FeedReader
    align: bool
    started: bool = False


@dataclass(slots=True)
class Report:
    """What happened to a lane's feeds in one tick."""

    started: int | None = None
    drained: int | None = None
    hushed: bool = False


@dataclass(slots=True)
class Lane:
    """One player's way to the wire; `page` is shared with the control process."""

    page: ring.Memory
    feed: Feed | None = None
    pending: Feed | None = None
    end: int | None = None
    paused: bool = False
    voiced: bool = False
    """Whether packets go out."""
    consuming: bool = False
    """Whether frames are taken; once there was voice they always are, as Lavalink does."""
    hushing: bool = False
    silence: int = 0
    dropped: list[Feed] = field(default_factory=list)
    """Feeds to be closed."""

    def play(self, feed: Feed, end: int | None) -> None:
        """Go over to a feed as soon as it has a frame."""
        if self.pending is not None:
            self.dropped.append(self.pending)
        self.pending, self.end = feed, end

    def stop(self) -> None:
        """Play nothing."""
        self.dropped += [feed for feed in (self.feed, self.pending) if feed is not None]
        self.feed = self.pending = None

    def voice(self, *, voiced: bool) -> None:
        """Begin or end to send."""
        self.voiced = voiced
        self.consuming = self.consuming or voiced

    @property
    def due(self) -> bool:
        """Whether a frame is expected at each tick."""
        return self.consuming and not self.paused and not self.hushing and self._has_feed

    @property
    def idle(self) -> bool:
        """Whether nothing can happen at a tick."""
        return not (self.due or self.silence or self.hushing)

    @property
    def _has_feed(self) -> bool:
        return self.feed is not None or self.pending is not None

    def tick(self, report: Report) -> bytes | None:
        """Say what goes out now."""
        frame = self._frame(report) if self.due else None
        if frame is not None:
            self.silence = rtp.SILENCE_FRAMES
            return frame
        if self.silence:
            self.silence -= 1
            return rtp.SILENCE
        report.hushed = self.hushing
        return None

    def _frame(self, report: Report) -> bytes | None:
        """Take the frame that is due and count it."""
        words = self.page.words
        words[ring.LANE_DUE] += 1
        self._change_over()
        taken = None
        if self.feed is not None and not self._limited(self.feed):
            taken = self.feed.reader.take()
        if self.feed is None or taken is None:
            self._starve(report)
            return None
        if not self.feed.started:
            self.feed.started = True
            report.started = self.feed.number
        words[ring.LANE_SENT] += 1
        words[ring.LANE_STARVED] = 0
        words[ring.LANE_FEED] = self.feed.number
        words[ring.LANE_POSITION] = taken.position + rtp.SAMPLES
        return taken.data

    def _starve(self, report: Report) -> None:
        """Say why there is no frame: the feed is over, or its writer is late."""
        words = self.page.words
        feed = self.feed
        if feed is not None and self.pending is None and (feed.reader.over or self._limited(feed)):
            report.drained = feed.number
            self.stop()
            words[ring.LANE_DUE] -= 1
            return
        pending = self.pending
        if pending is not None and pending.reader.over and (feed is None or feed.reader.over):
            report.drained = pending.number
            self.stop()
            words[ring.LANE_DUE] -= 1
            return
        words[ring.LANE_NULLED] += 1
        words[ring.LANE_STARVED] += 1

    def _limited(self, feed: Feed) -> bool:
        return self.end is not None and feed.reader.position >= self.end

    def _change_over(self) -> None:
        """Take the pending feed when it can go on without a break."""
        pending = self.pending
        if pending is None or not pending.reader.ready():
            return
        aligned = pending.align and self.feed is not None
        if aligned and self.feed and not pending.reader.skip_to(self.feed.reader.position):
            return
        if self.feed is not None:
            self.dropped.append(self.feed)
        self.feed, self.pending = pending, None
