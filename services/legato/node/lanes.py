"""What a lane sends at each tick: a frame, silence at a break, or nothing. No clock, no socket.

A feed whose last frames lie in its ring is a tail: its end is told a little ahead, so that the next
track can be there when the last frame has gone out, and that track waits for the tail.
"""

from dataclasses import dataclass, field

from legato.node import ring, rtp
from legato.node.ring import FeedReader


@dataclass(slots=True)
class Feed:
    """One feed of a lane."""

    number: int
    reader: FeedReader
    align: bool = False
    """Goes on at the position where the feed before it is."""
    end: int | None = None
    """Position at which it ends, in samples."""
    behind: int | None = None
    """The feed whose tail is played out first."""
    started: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.reader.over or self._limited

    def take(self) -> ring.Frame | None:
        """Take the next frame before the end."""
        return None if self._limited else self.reader.take()

    @property
    def _limited(self) -> bool:
        return self.end is not None and self.reader.position >= self.end


@dataclass(slots=True)
class Report:
    """What happened to a lane's feeds in one tick."""

    started: int | None = None
    ending: int | None = None
    drained: int | None = None
    hushed: bool = False


@dataclass(slots=True)
class Lane:
    """One player's way to the wire; `page` is shared with the control process."""

    page: ring.Memory
    lead: int = 0
    """Frames before the last one at which a feed's end is told."""
    feed: Feed | None = None
    pending: Feed | None = None
    paused: bool = False
    voiced: bool = False
    """Whether packets go out."""
    consuming: bool = False
    """Whether frames are taken; once there was voice they are, as Lavalink does, until a hush."""
    hushing: bool = False
    encrypted: bool = False
    """Whether frames go out as the key process has encrypted them."""
    silence: int = 0
    dropped: list[Feed] = field(default_factory=list)
    """Feeds to be closed."""

    def play(self, feed: Feed) -> None:
        """Go over to a feed as soon as it has a frame, and behind the tail that it waits for."""
        if feed.align and self.feed is not None and self.feed.reader.sealed:
            self.dropped.append(feed)
            return
        if not feed.align:
            self.page.words[ring.LANE_STARVED] = 0
            if self.paused and feed.behind is None:
                self.stop()  # else what lies before a seek would sound first when it goes on
        self._forget()
        feed.reader.encrypted = self.encrypted
        self.pending = feed

    def stop(self, number: int | None = None) -> None:
        """Play nothing, or only not this feed."""
        if self.feed is not None and number in {None, self.feed.number}:
            self.dropped.append(self.feed)
            self.feed = None
        if self.pending is not None and number in {None, self.pending.number}:
            self._forget()

    def limit(self, end: int | None) -> None:
        """Let the newest feed end there."""
        newest = self.pending or self.feed
        if newest is None or newest.reader.sealed:
            return
        for feed in (self.feed, self.pending):
            if feed is not None and feed.number == newest.number:
                feed.end = end

    def encrypt(self, *, encrypted: bool) -> None:
        """Take encrypted frames from now on, or plain ones.

        A tail that began in the clear ends in the clear: the key process may not know it.
        """
        self.encrypted = encrypted
        for feed in (self.feed, self.pending):
            if feed is not None:
                feed.reader.encrypted = encrypted and not feed.reader.sealed

    def voice(self, *, voiced: bool, encrypted: bool = False) -> None:
        """Begin or end to send; without voice frames are taken as they are."""
        self.encrypt(encrypted=encrypted)
        self.voiced = voiced
        self.hushing = self.hushing and not voiced
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
        if self.hushing:
            # Nothing may follow the silence, however long whoever asked for it takes to leave; and
            # what is taken before the next connection may send would be heard by nobody.
            report.hushed, self.hushing, self.voiced, self.consuming = True, False, False, False
        return None

    def _frame(self, report: Report) -> bytes | None:
        """Take the frame that is due and count it."""
        words = self.page.words
        words[ring.LANE_DUE] += 1
        self._change_over()
        taken = None if self.feed is None else self.feed.take()
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
        self._seal(self.feed, report)
        return taken.data

    def _seal(self, feed: Feed, report: Report) -> None:
        """Tell a feed's end once its last frames are settled and few."""
        if self.lead and feed.reader.seal(self.lead, feed.end):
            report.ending = feed.number
            if self.pending is not None and self.pending.align:
                self._forget()

    def _starve(self, report: Report) -> None:
        """Say why there is no frame: what was to be played is over, or its writer is late."""
        words = self.page.words
        last = self.pending or self.feed
        if last is not None and last.over and (self.feed is None or self.feed.over):
            report.drained = last.number
            self.stop()
            words[ring.LANE_DUE] -= 1
            return
        words[ring.LANE_NULLED] += 1
        words[ring.LANE_STARVED] += 1

    def _change_over(self) -> None:
        """Take the pending feed when it can go on without a break."""
        pending, feed = self.pending, self.feed
        if pending is None or not pending.reader.left:
            return
        if feed is not None:
            if not self._may_leave(feed, pending):
                return
            self.dropped.append(feed)
        self.feed, self.pending = pending, None

    @staticmethod
    def _may_leave(feed: Feed, pending: Feed) -> bool:
        """Say whether a feed has done its part, and the next can do its own."""
        if feed.number == pending.behind and not feed.over:
            return False
        if pending.align and not pending.reader.skip_to(feed.reader.position):
            return False
        return pending.reader.dependable or feed.over or not feed.reader.left

    def _forget(self) -> None:
        """Drop the pending feed."""
        if self.pending is not None:
            self.dropped.append(self.pending)
            self.pending = None
