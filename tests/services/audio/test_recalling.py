from legato.audio import player
from legato.audio.events import Recalled
from legato.audio.state import Player
from support_players import CHANNEL, GUILD, Game, playing


def kept() -> Player:
    """A player as PostgreSQL keeps it: a track, and one that waits."""
    game = Game(ids=500)
    game.play("kept")
    game.state()
    game.play("kept too")
    return player.restore(player.durable(game.player), game.player.queue)


def recalled(stored: Player) -> Recalled:
    return Recalled(guild_id=GUILD, kept=stored, alive_at=1_005_000)


def test_a_player_that_nobody_used_meanwhile_goes_on_where_it_was() -> None:
    game = Game().wait(60_000).send(recalled(kept()))

    assert (game.current, game.titles) == ("kept", ["kept too"])
    assert game.player.voice.wanted == CHANNEL
    assert {"SyncVoice", "SyncNode"} <= game.last_kinds()


def test_what_began_meanwhile_plays_on_and_what_was_kept_waits_behind_it() -> None:
    game = playing("new")
    game.play("new too")

    game.send(recalled(kept()))

    assert (game.current, game.titles) == ("new", ["new too", "kept", "kept too"])
    ranks = [item.rank for item in game.player.queue]
    assert ranks == sorted(set(ranks))


def test_it_is_recalled_once() -> None:
    game = playing("new").send(recalled(kept()))
    before = game.player

    game.send(recalled(kept()))

    assert game.player is before
