"""From /play to its one answer."""

from legato.audio import events
from legato.audio.effects import Resolve, SyncVoice, Tell
from legato.audio.rules import Rules
from legato.contracts import playback, voice
from legato.contracts.actions import Queued, Refused
from support_players import CHANNEL, ELSEWHERE, GUILD, Game, playing, track


def tells(game: Game) -> list[str]:
    return [effect.key for effect in game.effects if isinstance(effect, Tell)]


def test_the_first_play_joins_the_channel_and_looks_for_the_track() -> None:
    game = Game()

    slot = game.ask("some song")

    assert game.last_one(Resolve).query == "some song"
    assert game.last_one(Resolve).slot == slot
    assert game.last_one(SyncVoice)
    assert game.player.voice.wanted == CHANNEL
    assert tells(game) == []


def test_what_no_database_takes_is_left_out_of_a_query() -> None:
    game = Game()

    game.ask("some\0 song")

    assert game.last_one(Resolve).query == "some song"
    assert game.player.queue[0].query == "some song"


def test_a_play_is_answered_once_it_is_found_and_the_bot_is_there() -> None:
    game = Game()
    slot = game.play("a")
    assert tells(game) == []

    game.state()

    assert game.answer == Queued(track=track("a"), place=0)
    game.server().seat().started()
    assert tells(game) == [slot]


def test_a_later_play_is_answered_with_its_place_and_wait() -> None:
    game = playing(length=100_000).wait(40_000)
    game.play("b", length=30_000)

    game.play("c")

    assert game.answer == Queued(track=track("c"), place=2, wait=90_000)


def test_slots_play_in_the_order_of_arrival_not_of_finding() -> None:
    game = Game()
    first, second = game.ask("slow"), game.ask("fast")
    game.state()

    game.find(second, track("fast"))
    assert game.player.play is None
    game.find(first, track("slow"))

    assert (game.current, game.titles) == ("slow", ["fast"])


def test_a_found_track_passes_a_slot_that_takes_long() -> None:
    game = Game(rules=Rules(patience=3_000))
    slow, fast = game.ask("slow"), game.ask("fast")
    game.state().find(fast, track("fast"))

    game.wake()

    assert [game.current, *game.titles] == ["fast", "slow"]
    game.find(slow, track("slow"))
    assert game.titles == ["slow"]


def test_next_goes_before_what_waits() -> None:
    game = playing("a")
    game.play("b")

    game.play("c", where="next")

    assert game.titles == ["c", "b"]


def test_now_replaces_the_current_track_only_when_it_is_found() -> None:
    game = playing("a")
    game.play("b")
    slot = game.ask("c", where="now")
    assert game.current == "a"

    game.find(slot, track("c"))

    assert (game.current, game.titles) == ("c", ["b"])
    assert [record.reason for record in game.records] == ["replaced"]


def test_a_playlist_takes_the_slots_place_in_its_order() -> None:
    game = playing("a")
    slot = game.ask("list")
    game.play("z")

    game.find(slot, *(track(name) for name in "bcd"), playlist="Mine")

    assert game.titles == ["b", "c", "d", "z"]
    assert game.answer == Queued(track=track("b"), place=1, count=3, playlist="Mine", wait=100_000)


def test_a_playlist_is_cut_to_the_room_there_is() -> None:
    game = playing("a")
    game.rules = Rules(max_queue=3)
    slot = game.ask("list")

    game.find(slot, *(track(str(n)) for n in range(9)), playlist="Mine")

    assert game.titles == ["0", "1", "2"]
    assert isinstance(game.answer, Queued)
    assert game.answer.count == 3


def test_a_full_queue_refuses() -> None:
    game = playing("a")
    game.rules = Rules(max_queue=1)
    game.ask("b")

    game.ask("c")

    assert game.answer == Refused(reason="queue_full")
    assert game.titles == ["b"]


def test_what_is_not_found_is_said_and_leaves_no_slot() -> None:
    game = playing("a")
    slot = game.ask("b")

    game.node(events.ResolveFailed, slot=slot, reason="load_failed", detail="404")

    assert game.answer == Refused(reason="load_failed", detail="404")
    assert game.titles == []


def test_a_finding_for_a_slot_that_is_gone_changes_nothing() -> None:
    game = playing("a")
    slot = game.ask("b")
    game.command(playback.Stop)
    before = game.player

    game.find(slot, track("b"))

    assert game.player is before
    assert game.last == ()


def test_a_finding_told_twice_counts_once() -> None:
    game = playing("a")
    slot = game.play("b")

    game.find(slot, track("b"))

    assert game.titles == ["b"]
    assert game.last == ()


def test_a_query_without_any_word_is_answered_after_its_deadline() -> None:
    game = playing("a")
    slot = game.ask("b")

    game.wake()

    assert game.answer == Refused(reason="load_timeout")
    assert game.titles == []
    assert tells(game).count(slot) == 1


def test_a_channel_that_refuses_the_bot_refuses_the_play() -> None:
    game = Game()
    slot = game.play("a")

    game.hear(voice.VoiceRefused, channel_id=CHANNEL, reason="channel_full")

    assert game.answer == Refused(reason="channel_full")
    assert (game.current, game.titles) == (None, [])
    assert game.player.voice.wanted is None
    assert tells(game) == [slot]


def test_of_two_plays_in_two_channels_the_second_is_refused() -> None:
    game = Game()
    game.ask("a")

    game.ask("b", channel=ELSEWHERE)

    assert game.answer == Refused(reason="other_channel")
    assert game.player.voice.wanted == CHANNEL


def test_a_deserted_bot_comes_to_who_asks_and_brings_its_queue() -> None:
    game = playing("a").hear(voice.ListenersChanged, channel_id=CHANNEL, listeners=0)

    slot = game.ask("b", channel=ELSEWHERE)
    assert game.last_one(SyncVoice)
    game.find(slot, track("b")).state(ELSEWHERE)

    assert (game.current, game.titles) == ("a", ["b"])
    assert isinstance(game.answer, Queued)


def test_a_play_right_after_a_leave_joins_anew_instead_of_being_kicked_by_it() -> None:
    game = playing("a").command(playback.Leave)

    slot = game.ask("b")
    assert game.last_one(SyncVoice).rejoin
    game.state(None).find(slot, track("b")).state().server().started()

    assert game.current == "b"
    assert game.player.voice.ready


def test_a_slot_that_nobody_asks_about_any_more_is_looked_for_again_after_a_restore() -> None:
    game = playing("a")
    slot = game.ask("b")
    game.player = type(game.player)(
        guild_id=GUILD, queue=game.player.queue, voice=game.player.voice
    )

    game.node(events.Restored, alive_at=game.now, node_survived=False)

    assert game.last_one(Resolve).slot == slot
