"""The memory that a media worker and a pacer share: frames of one feed, and a lane's counters.

A feed has one writer (a worker) and one reader (its pacer); each word of the header has one writer,
and a frame is published by the count that is raised after it is written, so nobody waits for the
other. A changed volume is written as a new rendition behind the old one: the reader goes over to it
at the frame it would have sent next. Where frames go out end-to-end encrypted, the key process
writes each a second time, encrypted, ahead of the reader.
"""

import mmap
import os
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

from legato.node.rtp import SAMPLES

SLOTS = 160
SLOT = struct.Struct("=qI4x")
MARGIN = 8
"""Frames that must be ready before a reader leaves what it has for them: on a busy machine a writer
may be held up behind its first."""

FRAME_LIMIT = 1400
"""Longest frame that passes: what fits one UDP packet on any way."""

SLOT_SIZE = SLOT.size + FRAME_LIMIT
HEADER_SIZE = 64
ENCRYPTED_SLOT = struct.Struct("=QI4x")
ENCRYPTED_SLOT_SIZE = ENCRYPTED_SLOT.size + FRAME_LIMIT + 32
"""An encrypted frame: its number plus 1, or 0 while it is written; its length; the frame."""

ENCRYPTED_SLOTS = HEADER_SIZE + SLOTS * SLOT_SIZE
"""Where the encrypted frames begin."""

FEED_SIZE = ENCRYPTED_SLOTS + SLOTS * ENCRYPTED_SLOT_SIZE
LANE_SIZE = 4096
BOARD_SIZE = 4096

WRITTEN, READ, POSITION, RENDITION, STATE, ENCRYPTED = range(6)
OPEN, ENDED, FAILED = range(3)

LANE_DUE, LANE_SENT, LANE_NULLED, LANE_FEED, LANE_POSITION, LANE_STARVED = range(6)


def allocate(size: int, name: str) -> int:
    """Make shared memory; gives its file descriptor."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


class Memory:
    """Shared memory seen as 64-bit words at its start; writing one word is atomic."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._map = mmap.mmap(descriptor, size)
        self._view = memoryview(self._map)
        self.words = self._view[:HEADER_SIZE].cast("Q")

    def close(self) -> None:
        """Let go of the memory."""
        self.words.release()
        self._view.release()
        self._map.close()


@dataclass(frozen=True, slots=True)
class Frame:
    """One 20 ms Opus frame and the track's position at its start, in samples."""

    position: int
    data: bytes


class FeedWriter(Memory):
    """A worker's end of a feed."""

    def __init__(self, descriptor: int, start: int) -> None:
        super().__init__(descriptor, FEED_SIZE)
        self._next = start

    @property
    def position(self) -> int:
        """Position that the reader will send next."""
        return self.words[POSITION]

    @property
    def ahead(self) -> int:
        """Frames between the reader and the writer."""
        return max(0, self._next - self.words[POSITION]) // SAMPLES

    @property
    def room(self) -> int:
        """Frames that can be written without touching one that may still be read."""
        return SLOTS - 2 - (self.words[WRITTEN] - self.words[READ])

    def write(self, position: int, data: bytes) -> None:
        """Publish one frame; the caller has looked for room."""
        index = self.words[WRITTEN]
        at = HEADER_SIZE + (index % SLOTS) * SLOT_SIZE
        SLOT.pack_into(self._map, at, position, len(data))
        self._view[at + SLOT.size : at + SLOT.size + len(data)] = data
        self.words[WRITTEN] = index + 1
        self._next = position + SAMPLES

    def renew(self, position: int) -> None:
        """Begin a new rendition: it replaces what stands at `position` and later."""
        self.words[RENDITION] = self.words[WRITTEN]
        self._next = position

    def reopen(self) -> None:
        """Take back `end`, because frames are written again."""
        self.words[STATE] = OPEN

    def end(self) -> None:
        """Say that no frame will follow."""
        self.words[STATE] = ENDED

    def fail(self) -> None:
        """Say that no frame will follow, because something broke."""
        self.words[STATE] = FAILED


class FeedReader(Memory):
    """A pacer's end of a feed."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, FEED_SIZE)
        self._rendition = self.words[RENDITION]
        self._read = self.words[READ]
        self._last: int | None = None
        self.position = self.words[POSITION]
        self.encrypted = False
        """Whether frames are taken as the key process has encrypted them."""

    @property
    def sealed(self) -> bool:
        """Whether its last frames are settled, whatever the writer does from now on."""
        return self._last is not None

    @property
    def over(self) -> bool:
        """Whether every frame has been taken and none will follow."""
        if self._last is not None:
            return self._read >= self._last
        return self.words[STATE] != OPEN and self._read >= self.words[WRITTEN]

    def seal(self, frames: int, end: int | None) -> bool:
        """Settle the last frames once no more than `frames` are left, up to a position if given.

        A sealed feed needs no writer: what is left lies in the ring, and nothing replaces it.
        """
        state, rendition, written = self.words[STATE], self.words[RENDITION], self.words[WRITTEN]
        if self._last is not None or rendition > self._rendition:
            return False
        last = written if state == ENDED else None
        if end is not None:
            limit = self._read + -(-max(0, end - self.position) // SAMPLES)
            if limit <= written:
                last = limit
        if last is None or last - self._read > frames:
            return False
        self._last = last
        return True

    @property
    def left(self) -> int:
        """Frames that can be taken."""
        last = self._ready if self._last is None else min(self._last, self._ready)
        return max(0, last - self._read)

    @property
    def dependable(self) -> bool:
        """Whether some frames are ready, or all that will come."""
        complete = self.words[STATE] != OPEN and self._ready >= self.words[WRITTEN]
        return self.left >= MARGIN or complete

    @property
    def _ready(self) -> int:
        """Frames that were made ready so far."""
        written = self.words[WRITTEN]
        return min(written, self.words[ENCRYPTED]) if self.encrypted else written

    def take(self) -> Frame | None:
        """Take the next frame, of the newest rendition that has it."""
        until = self._until()
        if self._read >= until:
            return None
        frame = self._frame(self._read)
        if self.encrypted:
            data = self._encrypted(self._read)
            if data is None:
                return None
            frame = Frame(frame.position, data)
        self._read += 1
        self.position = frame.position + SAMPLES
        self.words[POSITION] = self.position
        self.words[READ] = self._read
        return frame

    def _until(self) -> int:
        """Say up to which frame it may take; go over to a newer rendition that has the next one."""
        if self._last is not None:
            return min(self._last, self._ready)
        written, rendition = self._ready, self.words[RENDITION]
        if rendition > self._rendition and rendition < written:
            self._adopt(rendition, written)
        return rendition if rendition > self._rendition else written

    def skip_to(self, position: int) -> bool:
        """Drop what lies before a position; says whether the frame there can be taken."""
        while self._read < self._ready:
            if self._frame(self._read).position + SAMPLES // 2 >= position:
                return True
            if self.take() is None:
                return False
        return False

    def _adopt(self, rendition: int, written: int) -> None:
        """Go over to a rendition if it has the frame that is due, or nothing else is left."""
        if self.position < self._frame(rendition).position and self._read < rendition:
            return
        at_its_end = self._read >= rendition or self.words[STATE] != OPEN
        # Frames are not always 20 ms of the track: its tempo can be changed.
        for index in range(rendition, written):
            if self._frame(index).position + SAMPLES > self.position:
                if written - index >= MARGIN or at_its_end:
                    self._read, self._rendition = index, rendition
                return

    def _frame(self, index: int) -> Frame:
        at = HEADER_SIZE + (index % SLOTS) * SLOT_SIZE
        position, size = SLOT.unpack_from(self._map, at)
        return Frame(position, bytes(self._view[at + SLOT.size : at + SLOT.size + size]))

    def _encrypted(self, index: int) -> bytes | None:
        """Read an encrypted frame; None while it is being written anew."""
        at = ENCRYPTED_SLOTS + (index % SLOTS) * ENCRYPTED_SLOT_SIZE
        number, size = ENCRYPTED_SLOT.unpack_from(self._map, at)
        data = bytes(self._view[at + ENCRYPTED_SLOT.size : at + ENCRYPTED_SLOT.size + size])
        again, _ = ENCRYPTED_SLOT.unpack_from(self._map, at)
        return data if number == again == index + 1 else None


class FeedEncryptor(Memory):
    """The key process's end of a feed: reads frames as they come, and writes them encrypted."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, FEED_SIZE)
        self._next = self.words[READ]

    @property
    def ahead(self) -> int:
        """Encrypted frames that the reader has before it."""
        return self._next - self.words[READ]

    @property
    def waiting(self) -> bool:
        """Whether there are frames to encrypt."""
        return max(self._next, self.words[READ]) < self.words[WRITTEN]

    @property
    def open(self) -> bool:
        """Whether more frames may come."""
        return self.words[STATE] == OPEN

    def rewind(self, margin: int) -> None:
        """Encrypt anew what is still to be read, but not the frames that are just about to be."""
        self._next = min(self._next, self.words[READ] + margin)

    def encrypt(self, encrypt: Callable[[bytes], bytes]) -> int:
        """Encrypt every frame that waits; gives how many."""
        count = 0
        self._next = max(self._next, self.words[READ])
        for index in range(self._next, self.words[WRITTEN]):
            data = encrypt(self._plain(index))
            at = ENCRYPTED_SLOTS + (index % SLOTS) * ENCRYPTED_SLOT_SIZE
            ENCRYPTED_SLOT.pack_into(self._map, at, 0, len(data))
            self._view[at + ENCRYPTED_SLOT.size : at + ENCRYPTED_SLOT.size + len(data)] = data
            ENCRYPTED_SLOT.pack_into(self._map, at, index + 1, len(data))
            self._next = index + 1
            self.words[ENCRYPTED] = max(self.words[ENCRYPTED], self._next)
            count += 1
        return count

    def _plain(self, index: int) -> bytes:
        at = HEADER_SIZE + (index % SLOTS) * SLOT_SIZE
        _, size = SLOT.unpack_from(self._map, at)
        return bytes(self._view[at + SLOT.size : at + SLOT.size + min(size, FRAME_LIMIT)])
