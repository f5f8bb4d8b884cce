from hypothesis import given
from hypothesis import strategies as st

from legato.node import player, protocol
from legato.node.player import Drained, Ending, Failed, Patch, Player, Stuck

WHY = protocol.ExceptionInfo(message="broken", severity="common", cause="test")


def a_track(name: str = "a", length: int = 60_000) -> protocol.Track:
    info = protocol.TrackInfo(
        identifier=name,
        is_seekable=True,
        author="",
        length=length,
        is_stream=False,
        position=0,
        title=name,
        uri=name,
        source_name="http",
        artwork_url=None,
        isrc=None,
    )
    return protocol.Track(encoded=name, info=info)


def playing() -> Player:
    return player.step(Player(1), Patch(track=a_track()))[0]


def test_a_track_starts_and_says_so() -> None:
    now, effects = player.step(Player(1), Patch(track=a_track(), position=5000, paused=True))

    assert (now.track, now.start_ms, now.paused) == (a_track(), 5000, True)
    assert effects == [player.Hold(True), player.Start(), player.TrackStarted(a_track())]


def test_a_replaced_track_ends_before_the_next_starts() -> None:
    _, effects = player.step(playing(), Patch(track=a_track("b")))

    assert effects[1:] == [
        player.TrackEnded(a_track(), "replaced"),
        player.Start(),
        player.TrackStarted(a_track("b")),
    ]


def test_a_failure_is_told_when_what_was_ready_has_been_played() -> None:
    now, effects = player.step(playing(), Failed(1, WHY, silent=False))
    assert effects == []

    _, effects = player.step(now, Drained(1))

    assert effects == [
        player.TrackFailed(a_track(), WHY),
        player.Drop(1),
        player.TrackEnded(a_track(), "loadFailed"),
    ]


def test_a_failure_before_any_sound_is_told_at_once() -> None:
    _, effects = player.step(playing(), Failed(1, WHY, silent=True))

    assert player.TrackEnded(a_track(), "loadFailed") in effects


def test_an_end_is_told_while_the_last_frames_go_out() -> None:
    now, effects = player.step(playing(), Ending(1))

    assert now.track is None
    assert effects == [player.Release(), player.TrackEnded(a_track(), "finished")]
    assert player.step(now, Drained(1)) == (now, [])
    assert player.step(now, Patch(position=3000)) == (now, [])


def test_the_next_track_that_fails_at_once_leaves_the_tail_alone() -> None:
    now, _ = player.step(playing(), Ending(1))
    now, effects = player.step(now, Patch(track=a_track("b")))
    assert player.Stop() not in effects

    _, effects = player.step(now, Failed(now.play, WHY, silent=True))
    assert player.Drop(now.play) in effects


def test_a_stop_after_the_end_was_told_stops_the_tail() -> None:
    now, _ = player.step(playing(), Ending(1))

    _, effects = player.step(now, Patch(track=None))

    assert effects == [player.Hold(False), player.Stop()]


def test_an_older_plays_end_changes_nothing() -> None:
    now, _ = player.step(playing(), Patch(position=3000))

    assert player.step(now, Drained(1)) == (now, [])
    assert player.step(now, Stuck(1, 10)) == (now, [])


def test_a_stuck_track_goes_on() -> None:
    now, effects = player.step(playing(), Stuck(1, 10_000))

    assert now == playing()
    assert effects == [player.TrackStuck(a_track(), 10_000)]


def test_noreplace_keeps_the_track_but_takes_the_volume() -> None:
    now, effects = player.step(playing(), Patch(track=a_track("b"), no_replace=True, volume=5000))

    assert (now.track, now.volume) == (a_track(), 1000)
    assert effects == [player.Shape()]


PATCHES = st.builds(
    Patch,
    track=st.sampled_from(["same", None, a_track("a"), a_track("b")]),
    no_replace=st.booleans(),
    position=st.none() | st.integers(-5, 100_000),
    end_ms=st.sampled_from(["same", None, 5000]),
    volume=st.none() | st.integers(-10, 2000),
    paused=st.none() | st.booleans(),
)
PLAYS = st.integers(0, 8)
INPUTS = st.one_of(
    PATCHES,
    st.builds(Ending, PLAYS),
    st.builds(Drained, PLAYS),
    st.builds(Failed, PLAYS, st.just(WHY), st.booleans()),
    st.builds(player.Destroy),
)


@given(st.lists(INPUTS, max_size=30))
def test_every_track_that_starts_ends_exactly_once(history: list[player.Input]) -> None:
    now, open_tracks = Player(1), 0
    for given_ in history:
        before = now
        now, effects = player.step(now, given_)
        for effect in effects:
            if isinstance(effect, player.TrackStarted):
                open_tracks += 1
            if isinstance(effect, player.TrackEnded):
                open_tracks -= 1
            assert open_tracks in {0, 1}
        assert open_tracks == (now.track is not None)
        assert now.play >= before.play
        assert 0 <= now.volume <= 1000
        assert now.start_ms >= 0
