"""What a node should play, and what is sent so that it does."""

import msgspec
from msgspec.structs import replace

from legato.audio import nodestate
from legato.audio.nodestate import NodeState, Patch
from legato.contracts import playback
from support_players import CHANNEL, Game, playing


def wanted(game: Game) -> NodeState:
    state = nodestate.desired(game.player, now=game.now)
    assert state is not None
    return state


def as_found(state: NodeState) -> NodeState:
    return replace(state, connected=True, sought=False)


def test_a_node_that_knows_nothing_gets_everything_at_once() -> None:
    patch = nodestate.difference(wanted(playing("a").wait(5_000)), None)

    assert msgspec.to_builtins(patch) == {
        "track": {"encoded": "encoded a", "userData": {"play_id": "101-1"}},
        "position": 5_000,
        "voice": {
            "token": "vt",
            "endpoint": "voice.example:443",
            "sessionId": "vs",
            "channelId": str(CHANNEL),
        },
    }


def test_a_node_that_does_as_it_should_gets_nothing() -> None:
    state = wanted(playing("a"))

    assert nodestate.difference(state, as_found(state)) is None


def test_an_equal_track_is_never_sent_again() -> None:
    game = playing("a").wait(5_000)
    found = replace(as_found(wanted(game)), position=1_000, volume=50, paused=True)

    patch = nodestate.difference(wanted(game), found)

    assert patch == Patch(paused=False, volume=100)


def test_a_seek_moves_the_track_only_if_it_is_more_than_a_second_off() -> None:
    game = playing("a").wait(5_000)
    found = as_found(wanted(game))
    game.command(playback.Seek, to=60_000)

    assert nodestate.difference(wanted(game), found) == Patch(position=60_000)
    assert nodestate.difference(wanted(game), replace(found, position=60_900)) is None


def test_a_seek_that_a_report_has_confirmed_is_over() -> None:
    game = playing("a").wait(5_000).command(playback.Seek, to=60_000).report(59_900)

    assert not wanted(game).sought


def test_the_track_goes_to_the_node_paused_before_there_is_voice() -> None:
    game = Game()
    game.play("a")
    game.seat()

    patch = nodestate.difference(wanted(game), None)

    assert patch is not None
    assert patch.paused is True
    assert patch.voice is msgspec.UNSET
    assert patch.track is not msgspec.UNSET


def test_voice_follows_without_sending_the_track_again() -> None:
    game = Game()
    game.play("a")
    game.seat()
    found = replace(wanted(game), connected=False)

    game.state().server()
    patch = nodestate.difference(wanted(game), found)

    assert patch is not None
    assert patch.track is msgspec.UNSET
    assert patch.paused is False
    assert patch.voice is not msgspec.UNSET


def test_equal_voice_is_sent_again_when_the_node_lost_the_connection() -> None:
    state = wanted(playing("a"))

    patch = nodestate.difference(state, replace(as_found(state), connected=False))

    assert patch == Patch(voice=state.voice or msgspec.UNSET)


def test_without_a_track_the_node_stops_what_it_plays() -> None:
    game = playing("a")
    found = as_found(wanted(game))

    patch = nodestate.difference(wanted(game.command(playback.Stop)), found)

    assert patch is not None
    assert msgspec.to_builtins(patch)["track"] == {"encoded": None}


def test_a_player_out_of_voice_is_on_no_node() -> None:
    game = playing("a").command(playback.Leave)

    assert nodestate.desired(game.player, now=game.now) is None
