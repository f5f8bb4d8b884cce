import msgspec
import pytest

from legato import text
from legato.bus import Bus
from legato.contracts import keys
from legato.contracts.actions import Done, QueuePage, Refused
from legato.contracts.asking import Choice, Choices, Search
from legato.contracts.playback import Leave, Pause, Play, SetVolume, ShowQueue, TogglePause
from legato.contracts.settings import GuildSettings
from legato.contracts.tracks import NowPlaying, QueueItem, Track
from legato.gateway.screening import Screening
from legato.gateway.ways import PER_GUILD, PER_USER
from legato_simulator.faults import RestFault
from support_waiting import until


async def ask(scene, command, options=None, user=None):
    return await scene.sim.script.run_command(
        user or scene.user, scene.text, command, options or {}
    )


async def refusal_of(scene, command, options=None, user=None):
    shown = await (await ask(scene, command, options, user)).response()
    assert shown.ephemeral
    return shown.message.content


REFUSED_QUERIES = {
    "http://127.0.0.1:8080/a.mp3": "private_address",
    "http://169.254.169.254/latest/meta-data": "private_address",
    "http://[::1]/a.mp3": "private_address",
    "http://2130706433/": "private_address",
    "http://localhost/": "private_address",
    "https://user:pw@example.org/a.mp3": "bad_url",
    "ftp://example.org/a.mp3": "bad_url",
    "file:///etc/passwd": "bad_url",
    "abc\u202edef": "invalid",
    "abc\u200bdef": "invalid",
}


@pytest.mark.parametrize(("query", "reason"), REFUSED_QUERIES.items())
async def test_what_may_not_be_played_is_refused_and_goes_no_further(shared_scene, query, reason):
    scene = shared_scene

    assert await refusal_of(scene, "play", {"query": query}) == text.REFUSALS[reason]
    assert scene.players.of(Play) == []


async def test_who_is_not_in_voice_is_told_to_join(shared_scene):
    scene = shared_scene
    stranger = (await scene.sim.script.make_user("stranger")).id
    await scene.sim.script.join_guild(stranger, scene.guild)

    said = await refusal_of(scene, "play", {"query": "a song"}, stranger)

    assert said == text.REFUSALS["not_in_voice"]


async def test_a_late_answer_is_deferred_first_and_then_edited(scene):
    scene.players.answer = lambda _: None
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        asked = await ask(scene, "pause")
        pause = await scene.players.first(Pause)
        waiting = await asked.acknowledged()
        await scene.players.reply(pause, Done(what="paused"))
        shown = await asked.response()

    assert waiting.callback == 5
    assert waiting.acknowledged_at - waiting.created_at > 1.3
    assert shown.message.content == "Paused."


async def test_a_refusal_after_a_public_deferral_is_for_the_asker_alone(scene):
    scene.players.answer = lambda _: None
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        asked = await ask(scene, "pause")
        pause = await scene.players.first(Pause)
        await asked.acknowledged()
        await scene.players.reply(pause, Refused(reason="nothing_playing"))

        async def followed_up():
            return bool((await scene.sim.script.interaction(asked.id)).followups)

        await until(followed_up)
        shown = await scene.sim.script.interaction(asked.id)

    assert shown.followups[0].content == text.REFUSALS["nothing_playing"]
    assert shown.followups[0].ephemeral


async def test_the_same_interaction_twice_is_asked_once(scene):
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        await scene.sim.script.duplicate_interactions(1)
        asked = await ask(scene, "pause")
        await asked.response()

    assert len({command.id for command in scene.players.of(Pause)}) == 1


async def test_a_dj_role_keeps_others_from_steering_unless_they_are_alone(scene):
    settings = GuildSettings(dj_role_id=5, version=1)
    key = keys.guild_settings(scene.players.bot)
    await scene.redis.hset(key, scene.guild, msgspec.json.encode(settings))
    script = scene.sim.script
    people = [(await script.make_user(name)).id for name in ("ann", "bob")]
    async with scene.gateway():
        for person in people:
            await script.join_guild(person, scene.guild)
            await script.join_voice(person, scene.voice)

        said = await refusal_of(scene, "skip", user=people[0])
        await (await ask(scene, "play", {"query": "x"}, people[0])).response()

    assert said == text.REFUSALS["not_dj"]
    assert len(scene.players.of(Play)) == 1


async def test_too_many_commands_at_once_are_refused(scene):
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        asked = [await ask(scene, "pause") for _ in range(30)]
        shown = [await one.response() for one in asked]

    refused = [one for one in shown if one.message.content == text.REFUSALS["rate_limited"]]
    assert 1 <= len(refused) <= 30 - PER_USER.capacity


async def test_who_asks_too_often_locks_nobody_else_out(scene):
    script = scene.sim.script
    other = (await script.make_user("other")).id
    await script.join_guild(other, scene.guild)
    async with scene.gateway():
        for person in (scene.user, other):
            await script.join_voice(person, scene.voice)
        for asked in [await ask(scene, "pause") for _ in range(PER_GUILD.capacity + 10)]:
            await asked.response()
        shown = await (await ask(scene, "pause", user=other)).response()

    assert shown.message.content == "Paused."


@pytest.mark.parametrize("policy", ["user", "guild"])
async def test_what_the_operator_set_for_a_policy_or_a_subject_is_obeyed(scene, policy):
    policies = keys.limit_policies(scene.players.bot)
    subject = scene.user if policy == "user" else scene.guild
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        await (await ask(scene, "pause")).response()
        await scene.redis.hset(policies, f"{policy}:{subject}", "0 60000 0")

        assert await refusal_of(scene, "pause") == text.REFUSALS["rate_limited"]

        await scene.redis.delete(policies)
        shown = await (await ask(scene, "pause")).response()

    assert shown.message.content == "Paused."


async def test_pages_turn_in_place(scene):
    item = QueueItem(
        id="1", rank=1, track=Track(encoded="x", title="T", length=1000), requester_id=1, added_at=0
    )
    now = NowPlaying(guild_id=int(scene.guild), revision=1, as_of=0)
    scene.players.answer = lambda command: QueuePage(
        now=now, items=(item,), page=getattr(command, "page", 1), pages=2, total=2
    )
    async with scene.gateway():
        shown = await (await ask(scene, "queue")).response()
        button = shown.message.components[0]["components"][1]["custom_id"]
        turned = await (
            await scene.sim.script.press_button(scene.user, shown.message.id, button)
        ).acknowledged()

    assert turned.callback == 7
    assert [command.page for command in scene.players.of(ShowQueue)] == [1, 2]


async def test_forged_and_old_buttons_are_refused_kindly(scene):
    scene.players.answer = lambda command: QueuePage(
        now=NowPlaying(guild_id=int(scene.guild), revision=1, as_of=0),
        items=(),
        page=1,
        pages=2,
        total=0,
    )
    live = NowPlaying(guild_id=int(scene.guild), revision=1, as_of=0, play_id="now")
    await scene.redis.set(keys.live(scene.players.bot, int(scene.guild)), msgspec.json.encode(live))
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        message = (await (await ask(scene, "queue")).response()).message.id
        said = {}
        for custom_id in ("give-me-admin", "l0:skip:x", "l1:toggle:then", "l1:page:0"):
            pressed = await scene.sim.script.press_button(
                scene.user, message, custom_id, forge=True
            )
            said[custom_id] = (await pressed.response()).message.content

    assert said == {
        "give-me-admin": text.REFUSALS["forged"],
        "l0:skip:x": text.REFUSALS["old_panel"],
        "l1:toggle:then": text.REFUSALS["old_panel"],
        "l1:page:0": text.REFUSALS["old_panel"],
    }
    assert scene.players.of(TogglePause) == []


async def test_typing_is_answered_with_what_an_audio_worker_finds(scene):
    bot = scene.players.bot

    async def serve():
        bus = Bus(scene.redis)
        question = await bus.questions(
            keys.requests(bot, "default"), decoder=msgspec.json.Decoder(Search)
        )
        found = Choices(choices=(Choice(name="A Song", value="https://example.org/a"),))
        await bus.reply(question.reply_to, found)
        return question.text

    async with scene.gateway():
        asked = await scene.sim.script.autocomplete(
            scene.user, scene.text, "play", "query", {"query": "a so"}
        )
        typed = await serve()
        choices = await asked.choices()
        alone = await scene.sim.script.autocomplete(
            scene.user, scene.text, "play", "query", {"query": "a"}
        )
        nothing = await alone.choices()

    assert typed == "a so"
    assert choices == [{"name": "A Song", "value": "https://example.org/a"}]
    assert nothing == []


async def test_an_answer_from_a_gateway_that_never_saw_the_question(scene):
    scene.players.answer = lambda _: None
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        asked = await ask(scene, "leave")
        leave = await scene.players.first(Leave)
    async with scene.gateway():
        await scene.players.reply(leave, Done(what="left"))
        shown = await asked.response()

    assert shown.message.content == "Left the voice channel."


async def test_every_command_is_answered_in_the_askers_language(scene):
    ann = (await scene.sim.script.make_user("ann", locale="de")).id
    async with scene.gateway():
        await scene.sim.script.join_guild(ann, scene.guild)
        shown = await (await ask(scene, "help", user=ann)).response()

    assert shown.message.embeds[0]["title"] == "Was ich kann"


async def test_volume_goes_on_as_a_number(scene):
    scene.players.answer = lambda _: Done(what="volume", value=80)
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        shown = await (await ask(scene, "volume", {"percent": 80})).response()

    assert scene.players.of(SetVolume)[0].volume == 80
    assert shown.message.content == "The volume is 80 %."


async def test_beyond_what_it_carries_it_buys_time_first_and_turns_people_away_last(scene):
    scene.players.answer = lambda _: None
    async with scene.gateway(defer_above=2, refuse_above=4):
        await scene.sim.script.join_voice(scene.user, scene.voice)
        slow = RestFault(method="POST", route="/interactions/.*/callback", delay=1.0, count=8)
        await scene.sim.script.fail_requests(slow)
        asked = [await ask(scene, "pause") for _ in range(8)]
        await scene.players.first(Pause, 4)
        first = [await one.acknowledged() for one in asked]
        for pause in {one.id: one for one in scene.players.of(Pause)}.values():
            await scene.players.reply(pause, Done(what="paused"))
        shown = [await one.response() for one in asked]

    heard = [one.acknowledged_at for one in first]
    said = [one.message.content for one in shown]
    assert [one.callback for one in first] == [5] * 4 + [4] * 4
    assert min(heard[:2]) > max(heard[2:])
    assert said == ["Paused."] * 4 + [text.REFUSALS["busy"]] * 4


async def test_who_meets_a_fault_of_ours_is_told_at_once(scene, monkeypatch):
    def broken(*_: object) -> None:
        raise KeyError("never seen before")

    monkeypatch.setattr(Screening, "at_once", broken)
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)

        assert await refusal_of(scene, "pause") == text.REFUSALS["internal"]
