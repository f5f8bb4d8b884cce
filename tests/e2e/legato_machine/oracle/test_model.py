"""The model allows whatever the player itself does, in any order and at any pace."""

from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from legato.audio import events, player
from legato.audio.effects import Record, Tell
from legato.contracts import actions, playback
from legato.contracts.voice import VoiceRefused
from legato_machine.oracle.judge import Truth, judge
from legato_machine.oracle.model import Deed, World
from legato_machine.oracle.sayings import Said
from support_players import CHANNEL, GUILD, Game, track

KINDS: dict[str, type[playback.Command]] = {
    "skip": playback.Skip,
    "pause": playback.Pause,
    "resume": playback.Resume,
    "stop": playback.Stop,
    "leave": playback.Leave,
    "queue": playback.ShowQueue,
    "volume": playback.SetVolume,
    "seek": playback.Seek,
}
ACTS = ["play", "next", *KINDS, "find", "find", "find", "fail", "wake", "forget"]
SLOWLY = [*ACTS, "arrive", "arrive", "arrive", "turn away"]
"""Where Discord does what the player wants only in a while, if at all."""
Acts = list[tuple[str, int, int]]
"""What is done, a number to choose by, and the milliseconds before it."""


@dataclass
class Evening:
    """A player that people command, and what each was told."""

    is_slow: bool = False
    """Discord lets the bot into a channel by an act of its own only."""
    game: Game = field(default_factory=Game)
    sent: list[tuple[str, str, float, int, bool]] = field(default_factory=list)
    told: dict[str, tuple[float, actions.Answer]] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)

    def act(self, what: str, number: int) -> None:
        game = self.game
        if what in {"play", "next"}:
            self.pending.append(str(game.ids + 1))
            self._sent("play", first=what == "next")
            game.ask("tone", "next" if what == "next" else "last")
        elif what in KINDS:
            values = {"volume": {"volume": number}, "seek": {"to": number}}.get(what, {})
            self._sent(what, number if what == "volume" else 0)
            game.command(KINDS[what], **values)
        elif what in {"find", "fail"} and self.pending:
            slot = self.pending.pop(number % len(self.pending))
            if what == "find":
                game.find(slot, track(length=3_600_000))
            else:
                game.node(events.ResolveFailed, slot=slot, reason="load_failed")
        elif what == "wake" and game.player.wake_at and game.player.wake_at < game.now:
            game.wake()
        elif what == "forget" and player.forgettable(game.player):
            game.player = player.new(GUILD)
        elif what == "turn away" and game.player.voice.actual is None:
            game.hear(VoiceRefused, channel_id=CHANNEL, reason="no_voice_answer")
        self._listen()
        if what == "arrive" or not self.is_slow or game.player.voice.wanted is None:
            self._follow()

    def _sent(self, kind: str, value: int = 0, *, first: bool = False) -> None:
        game = self.game
        self.sent.append((str(game.ids + 1), kind, game.now / 1000, value, first))

    def _listen(self) -> None:
        for effect in self.game.last:
            if isinstance(effect, Tell):
                self.told.setdefault(effect.key, (self.game.now / 1000 + 0.001, effect.answer))
        self.game.last = ()

    def _follow(self) -> None:
        """Let Discord do at once what the player wants."""
        while (wanted := self.game.player.voice.wanted) != self.game.player.voice.actual:
            self.game.state(None if wanted is None else CHANNEL)
            self._listen()
            if wanted is not None:
                self.game.server()
                self._listen()

    def deeds(self) -> list[Deed]:
        return [
            Deed(
                id=number,
                kind=kind,
                sent=sent,
                told_at=self.told[number][0] if number in self.told else None,
                said=said(self.told[number][1]) if number in self.told else None,
                booked=True,
                first=first,
                value=value,
            )
            for number, kind, sent, value, first in self.sent
        ]

    def world(self) -> World:
        found = self.game.player
        records = [one for one in self.game.effects if isinstance(one, Record)]
        return World(
            there=found.voice.wanted is not None,
            current=found.play.item.id if found.play else None,
            queue=tuple(item.id for item in found.queue),
            paused=found.paused,
            volume=found.volume,
            ended=frozenset((one.play_id.partition("-")[0], one.reason) for one in records),
        )


def said(answer: actions.Answer) -> Said:
    match answer:
        case actions.Refused():
            return Said("refused", answer.reason)
        case actions.Queued():
            return Said("queued")
        case actions.QueuePage():
            return Said("page", number=answer.total)
        case actions.Done():
            already = answer.already and answer.what in {"paused", "resumed", "stopped", "left"}
            number = answer.value if answer.what == "volume" else 0
            return Said(f"already {answer.what}" if already else answer.what, number=number)
        case _:
            return Said("shown")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(ACTS), st.integers(0, 200), st.sampled_from([0, 5, 50, 900, 2500])
        ),
        max_size=40,
    )
)
def test_what_a_player_does_is_one_of_the_models_worlds(acts: Acts) -> None:
    _judge(Evening(), acts)


@example([("play", 0, 0), ("find", 0, 0), ("skip", 0, 0), ("turn away", 0, 0)])
@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(SLOWLY), st.integers(0, 200), st.sampled_from([0, 5, 50, 900, 2500])
        ),
        max_size=40,
    )
)
def test_so_is_what_it_does_while_it_waits_to_be_let_in(acts: Acts) -> None:
    _judge(Evening(is_slow=True), [*acts, ("arrive", 0, 5)])


def _judge(evening: Evening, acts: Acts) -> None:
    for what, number, pause in acts:
        evening.game.wait(pause + 2)
        evening.act(what, number)
    while evening.pending:
        evening.game.wait(2)
        evening.act("find", 0)

    assert judge(evening.deeds(), Truth(GUILD, evening.world())) == []


@given(
    st.lists(
        st.tuples(st.sampled_from(["play", "next", "skip"]), st.integers(0, 9), st.just(5)),
        min_size=12,
        max_size=20,
    )
)
def test_a_skip_more_than_people_were_told_is_in_none_of_them(acts: Acts) -> None:
    evening = Evening()
    for what, number, pause in [("play", 0, 2), ("play", 0, 2), *acts, ("play", 0, 2)]:
        evening.game.wait(pause)
        evening.act(what, number)
        while evening.pending:
            evening.act("find", 0)
    assert evening.game.player.play is not None

    evening.game.command(playback.Skip)

    assert judge(evening.deeds(), Truth(GUILD, evening.world())) != []
