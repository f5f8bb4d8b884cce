from legato.contracts.actions import Queued
from legato.contracts.playback import Play
from legato.contracts.tracks import Track


async def test_play_reaches_the_player_and_its_answer_the_asker(scene):
    song = Track(encoded="x", title="A Song", uri="https://example.org/song", length=61_000)
    scene.players.answer = lambda command: Queued(track=song, place=0)

    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        asked = await scene.sim.script.run_command(
            scene.user, scene.text, "play", {"query": "a song", "when": "next"}
        )
        shown = await asked.response()

    play = scene.players.of(Play)[0]
    assert (play.query, play.where, play.voice_channel_id) == ("a song", "next", int(scene.voice))
    assert shown.callback == 4
    assert "A Song" in shown.message.content
