"""Messages and players for tests of the audio core, made with few words."""

from dataclasses import dataclass, field
from typing import TypeVar

from legato.audio import events, player
from legato.audio.effects import Effect, Record, Tell
from legato.audio.player import Message, Player
from legato.audio.rules import DEFAULT, Rules
from legato.contracts import playback, voice
from legato.contracts.actions import Answer
from legato.contracts.tracks import Track

One = TypeVar("One")
GUILD = 1
CHANNEL = 10
ELSEWHERE = 11
TEXT = 20
LATE = 1 << 60


def origin(user: int = 5, channel: int = TEXT) -> playback.Origin:
    return playback.Origin(
        source="interaction", user_id=user, channel_id=channel, received_at=0, token="t"
    )


def track(name: str = "a", length: int = 100_000, **values: object) -> Track:
    return Track(encoded=f"encoded {name}", title=name, length=length, **values)  # type: ignore[arg-type]


@dataclass
class Game:
    """A player, its time, and everything it ever asked for."""

    player: Player = field(default_factory=lambda: player.new(GUILD))
    now: int = 1_000_000
    effects: list[Effect] = field(default_factory=list)
    last: tuple[Effect, ...] = ()
    reason: str = ""
    ids: int = 100
    seq: int = 0
    gateway: str = "g1"
    rules: Rules = DEFAULT

    def send(self, message: Message) -> "Game":
        step = player.step(self.player, message, now=self.now, rules=self.rules)
        self.player, self.last, self.reason = step.player, step.effects, step.reason
        self.effects += step.effects
        return self

    def wait(self, ms: int) -> "Game":
        self.now += ms
        return self

    def wake(self) -> "Game":
        """Go to the moment the player wants to be woken at, and wake it."""
        assert self.player.wake_at is not None
        self.now = max(self.now, self.player.wake_at)
        return self.send(events.Woken(guild_id=GUILD))

    def common(self, *, expires_in: int | None = None, channel: int = TEXT) -> dict[str, object]:
        self.ids += 1
        return {
            "id": self.ids,
            "guild_id": GUILD,
            "origin": origin(channel=channel),
            "expires_at": LATE if expires_in is None else self.now + expires_in,
        }

    def command(self, kind: type[playback.Command], **values: object) -> "Game":
        return self.send(kind(**self.common(), **values))  # type: ignore[arg-type]

    def ask(self, query: str = "a", where: playback.Where = "last", channel: int = CHANNEL) -> str:
        """Ask to play; the slot's id."""
        self.command(playback.Play, query=query, where=where, voice_channel_id=channel)
        return str(self.ids)

    def find(self, slot: str, *tracks: Track, playlist: str = "") -> "Game":
        return self.send(
            events.Resolved(guild_id=GUILD, slot=slot, tracks=tracks, playlist=playlist)
        )

    def play(self, name: str = "a", where: playback.Where = "last", length: int = 100_000) -> str:
        slot = self.ask(name, where)
        self.find(slot, track(name, length))
        return slot

    def mark(self) -> voice.Mark:
        self.seq += 1
        return voice.Mark(session=self.gateway, seq=self.seq)

    def hear(self, kind: type[voice.VoiceEvent], **values: object) -> "Game":
        mark = self.mark()
        return self.send(kind(guild_id=GUILD, mark=mark, at=self.now, **values))  # type: ignore[arg-type]

    def state(self, channel: int | None = CHANNEL, listeners: int = 1, **values: object) -> "Game":
        return self.hear(
            voice.VoiceStateChanged,
            channel_id=channel,
            session_id="vs",
            listeners=listeners,
            **values,
        )

    def server(self, endpoint: str | None = "voice.example:443", token: str = "vt") -> "Game":
        return self.hear(voice.VoiceServerChanged, token=token, endpoint=endpoint)

    def node(self, kind: type[events.Event], **values: object) -> "Game":
        return self.send(kind(guild_id=GUILD, **values))  # type: ignore[arg-type]

    def seat(self, node: str = "n1", session: str = "s1") -> "Game":
        return self.node(events.NodeAssigned, node=node, session_id=session)

    def started(self) -> "Game":
        return self.node(events.TrackStarted, play_id=self.play_id)

    def ended(self, reason: str = "finished", play_id: str | None = None) -> "Game":
        return self.node(events.TrackEnded, play_id=play_id or self.play_id, reason=reason)

    def report(self, position: int, **values: object) -> "Game":
        told = {"play_id": self.play_id, "connected": True, "at": self.now, **values}
        return self.node(events.PositionReported, position=position, **told)

    def closed(self, code: int, session: str = "s1", *, by_remote: bool = True) -> "Game":
        told = {"node": "n1", "session_id": session, "code": code, "by_remote": by_remote}
        return self.node(events.VoiceClosed, **told)

    def snapshot(self, play_id: str | None = None, **values: object) -> "Game":
        told = {"node": "n1", "session_id": "s1", "play_id": play_id, "at": self.now, **values}
        return self.node(events.NodeSnapshot, **told)

    @property
    def play_id(self) -> str:
        assert self.player.play is not None
        return self.player.play.play_id

    @property
    def titles(self) -> list[str]:
        return [item.track.title if item.track else item.query for item in self.player.queue]

    @property
    def current(self) -> str | None:
        return self.player.play.track.title if self.player.play else None

    @property
    def answer(self) -> Answer:
        """The one answer of the last step."""
        (told,) = [effect.answer for effect in self.last if isinstance(effect, Tell)]
        return told

    @property
    def records(self) -> list[Record]:
        return [effect for effect in self.effects if isinstance(effect, Record)]

    def last_kinds(self) -> set[str]:
        return {type(effect).__name__ for effect in self.last}

    def last_one(self, kind: type[One]) -> One:
        (one,) = [effect for effect in self.last if isinstance(effect, kind)]
        return one


def playing(name: str = "a", length: int = 100_000) -> Game:
    """A player in its channel, on a node, with one track sounding since now."""
    game = Game()
    game.play(name, length=length)
    game.state().server().seat().started()
    return game
