import json
import time

import pytest
from backports.zstd import ZstdDecompressor

from legato_simulator.faults import IdentifyFault
from legato_simulator.intents import Intent
from support_discord import PLAY, VOICE_INTENTS, Client, Wire, client
from support_waiting import PATIENCE, until


async def test_ready_names_the_guilds_and_each_guild_follows(bot: Client) -> None:
    wire = await bot.wire()
    await wire.identify(bot.sim.token)

    ready = await wire.event("READY")
    created = await wire.event("GUILD_CREATE")

    assert ready["guilds"] == [{"id": created["id"], "unavailable": True}]
    assert ready["application"]["id"] == bot.bot_id
    assert ready["resume_gateway_url"] == bot.sim.gateway_url
    assert {each["name"] for each in created["channels"]} == {"music", "Listening room", "Stage"}
    assert [payload["s"] for payload in wire.seen[1:]] == [1, 2]


@pytest.mark.parametrize("compress", ["zlib-stream", "zstd-stream"])
async def test_compressed_transports_are_one_stream(bot: Client, compress: str) -> None:
    parameters = {"v": "10", "encoding": "json", "compress": compress}
    ws = await bot.http.ws_connect(bot.sim.gateway_url, params=parameters)
    wire = Wire(ws, compress=compress)
    if compress == "zstd-stream":
        wire.inflate = ZstdDecompressor()

    assert (await wire.receive())["op"] == 10
    await wire.identify(bot.sim.token)

    assert (await wire.event("READY"))["v"] == 10
    assert (await wire.event("GUILD_CREATE"))["name"] == "Legato Lounge"


async def test_a_payload_can_be_compressed_alone(bot: Client) -> None:
    wire = await bot.wire()
    await wire.identify(bot.sim.token, compress=True)
    await wire.event("READY")

    message = await wire.ws.receive(timeout=PATIENCE)

    assert isinstance(message.data, bytes)
    assert json.loads(wire.inflate.decompress(message.data))["t"] == "GUILD_CREATE"


async def test_a_heartbeat_is_acknowledged_and_can_be_asked_for(bot: Client) -> None:
    wire = await bot.logged_in()

    await wire.send(1, wire.seq)
    assert (await wire.receive())["op"] == 11

    await bot.sim.script.ask_heartbeat()
    assert (await wire.receive())["op"] == 1


async def test_a_resume_replays_what_was_missed_and_brings_no_guild(bot: Client) -> None:
    wire = await bot.logged_in()
    await bot.sim.script.drop_connection()
    await wire.close_code()
    await bot.sim.script.join_voice("Ada", "Listening room")
    await bot.sim.script.join_voice("Ben", "Listening room")
    again = await bot.wire()

    await again.resume(bot.sim.token, wire.session_id, wire.seq or 0)
    await again.event("RESUMED")

    names = [payload["t"] for payload in again.seen[1:]]
    assert names == ["VOICE_STATE_UPDATE", "VOICE_STATE_UPDATE", "RESUMED"]
    assert [payload["s"] for payload in again.seen[1:]] == [3, 4, 5]
    assert (await bot.sim.script.record()).identifies == 1


async def test_a_resume_on_a_second_connection_ends_the_first(bot: Client) -> None:
    wire = await bot.logged_in()
    again = await bot.wire()

    await again.resume(bot.sim.token, wire.session_id, wire.seq or 0)

    assert (await again.receive())["t"] == "RESUMED"
    assert await wire.close_code() == 4000
    await bot.sim.script.join_voice("Ada", "Listening room")
    assert (await again.receive())["t"] == "VOICE_STATE_UPDATE"
    assert [each.connected for each in await bot.sim.script.sessions()] == [True]


async def test_a_session_nobody_knows_is_op_9_false(bot: Client) -> None:
    wire = await bot.wire()

    await wire.resume(bot.sim.token, "nobody's", 0)

    assert await wire.op(9) == {"op": 9, "d": False, "s": None, "t": None}
    await wire.identify(bot.sim.token)
    assert await wire.event("READY")


async def test_a_session_expires_and_can_no_longer_be_resumed() -> None:
    async with client(session_ttl=30.0) as bot:
        wire = await bot.logged_in()
        await bot.sim.script.drop_connection()
        await until(lambda: not _connected(bot))

        await bot.sim.script.advance_clock(29)
        assert len(await bot.sim.script.sessions()) == 1
        await bot.sim.script.advance_clock(2)

        assert await bot.sim.script.sessions() == []
        again = await bot.wire()
        await again.resume(bot.sim.token, wire.session_id, wire.seq or 0)
        assert (await again.op(9))["d"] is False


def _connected(bot: Client) -> bool:
    return any(each.link is not None for each in bot.sim.simulation.sessions.by_id.values())


@pytest.mark.parametrize(("code", "kept"), [(1000, 0), (1001, 0), (4000, 1)])
async def test_the_clients_close_code_decides_whether_its_session_lives(
    bot: Client, code: int, kept: int
) -> None:
    wire = await bot.logged_in()

    await wire.ws.close(code=code)

    await until(lambda: not _connected(bot))
    await until(lambda: len(bot.sim.simulation.sessions.by_id) == kept)


async def test_too_old_a_sequence_cannot_be_replayed() -> None:
    async with client(replay_events=3) as bot:
        wire = await bot.logged_in()
        await bot.sim.script.drop_connection()
        await until(lambda: not _connected(bot))
        for _ in range(3):
            await bot.sim.script.join_voice("Ada", "Listening room")
            await bot.sim.script.leave_voice("Ada", "Legato Lounge")
        again = await bot.wire()

        await again.resume(bot.sim.token, wire.session_id, wire.seq or 0)

        assert (await again.op(9))["d"] is False


async def test_a_sequence_from_the_future_is_4007(bot: Client) -> None:
    wire = await bot.logged_in()
    again = await bot.wire()

    await again.resume(bot.sim.token, wire.session_id, 1000)

    assert await again.close_code() == 4007


async def test_mistakes_have_their_close_codes(bot: Client) -> None:
    async def code_after(op: int, data: object) -> int | None:
        wire = await bot.wire()
        await wire.send(op, data)
        return await wire.close_code()

    good = {"token": bot.sim.token, "intents": VOICE_INTENTS, "properties": {}}
    assert await code_after(99, {}) == 4001
    assert await code_after(3, {"status": "online"}) == 4003
    assert await code_after(4, {"guild_id": "1", "channel_id": None}) == 4003
    assert await code_after(2, good | {"token": "wrong"}) == 4004
    assert await code_after(2, good | {"shard": [1, 1]}) == 4010
    assert await code_after(2, good | {"shard": [-1, 2]}) == 4010
    assert await code_after(2, good | {"intents": 1 << 40}) == 4013
    assert await code_after(2, good | {"intents": int(Intent.MESSAGE_CONTENT)}) == 4014


async def test_payloads_that_cannot_be_read_are_4002(bot: Client) -> None:
    for text in ("{", "[]", '{"op": 1, "d": "' + "x" * 4096 + '"}'):
        wire = await bot.wire()
        await wire.ws.send_str(text)
        assert await wire.close_code() == 4002


async def test_a_second_identify_is_4005(bot: Client) -> None:
    wire = await bot.logged_in()

    await wire.identify(bot.sim.token)

    assert await wire.close_code() == 4005


async def test_an_unknown_version_is_4012(bot: Client) -> None:
    ws = await bot.http.ws_connect(bot.sim.gateway_url, params={"v": "3"})

    assert await Wire(ws).close_code() == 4012


async def test_more_than_120_payloads_a_minute_are_4008(bot: Client) -> None:
    wire = await bot.logged_in()

    for _ in range(120):
        await wire.send(1, wire.seq)

    assert await wire.close_code() == 4008
    assert [each.kind for each in await bot.sim.script.violations()] == ["gateway_rate"]


async def test_a_client_without_heartbeats_is_4009_and_may_resume() -> None:
    async with client(heartbeat_interval=0.1) as bot:
        wire = await bot.logged_in()

        assert await wire.close_code() == 4009
        again = await bot.wire()
        await again.resume(bot.sim.token, wire.session_id, wire.seq or 0)
        assert await again.event("RESUMED")


async def test_too_many_guilds_on_one_shard_are_4011() -> None:
    async with client(guilds=4, guilds_per_shard=2) as bot:
        wire = await bot.wire()
        await wire.identify(bot.sim.token)
        assert await wire.close_code() == 4011

        status, _ = await bot.rest("GET", "/gateway/bot")
        assert status == 200


async def test_a_very_large_bot_needs_a_multiple_of_its_shards() -> None:
    async with client(shard_multiple=4) as bot:
        wire = await bot.wire()
        await wire.identify(bot.sim.token, shard=[0, 6])
        assert await wire.close_code() == 4010


async def test_guilds_are_spread_over_shards_and_sessions_may_share_one() -> None:
    async with client(guilds=9, max_concurrency=8, identify_window=0.0) as bot:
        seen = []
        for shard in (0, 1, 2, 2):
            wire = await bot.wire()
            await wire.identify(bot.sim.token, shard=[shard, 3])
            ready = await wire.event("READY")
            guilds = [int(each["id"]) for each in ready["guilds"]]
            assert all((guild >> 22) % 3 == shard for guild in guilds)
            seen.append(guilds)

        assert sum(len(each) for each in seen[:3]) == 9
        assert seen[2] == seen[3]
        assert len(await bot.sim.script.sessions()) == 4


async def test_two_identifies_of_one_bucket_within_the_window_are_refused() -> None:
    async with client(max_concurrency=2) as bot:
        first, second, third = await bot.wire(), await bot.wire(), await bot.wire()
        await first.identify(bot.sim.token, shard=[0, 4])
        await second.identify(bot.sim.token, shard=[1, 4])
        assert await first.event("READY")
        assert await second.event("READY")

        await third.identify(bot.sim.token, shard=[2, 4])

        assert (await third.op(9))["d"] is False
        violations = await bot.sim.script.violations()
        assert [each.kind for each in violations] == ["identify_concurrency"]


async def test_past_the_daily_limit_all_sessions_end_and_the_token_is_reset() -> None:
    async with client(identify_window=0.0) as bot:
        old = bot.sim.token
        first = await bot.logged_in()
        await bot.sim.script.spend_identifies(left=1)
        _, allowance = await bot.rest("GET", "/gateway/bot")
        assert allowance["session_start_limit"]["remaining"] == 1
        second = await bot.logged_in()
        third = await bot.wire()

        await third.identify(old)

        assert await third.close_code() == 4004
        assert await first.close_code() == 4004
        assert await second.close_code() == 4004
        assert bot.sim.token != old
        status, _ = await bot.rest("GET", "/users/@me", headers={"Authorization": f"Bot {old}"})
        assert status == 401


async def test_intents_choose_the_events(bot: Client) -> None:
    only_guilds = await bot.logged_in(intents=int(Intent.GUILDS))

    await bot.sim.script.join_voice("Ada", "Listening room")
    await bot.sim.script.send_message("Ada", "music", "hello")
    made = await bot.sim.script.make_channel("Legato Lounge", "later")

    received = await only_guilds.receive()
    assert (received["t"], received["d"]["id"]) == ("CHANNEL_CREATE", made.id)


async def test_content_is_hidden_without_its_intent_unless_addressed() -> None:
    wanted = int(Intent.GUILDS | Intent.GUILD_MESSAGES)
    async with client(privileged_intents=int(Intent.MESSAGE_CONTENT), identify_window=0.0) as bot:
        without = await bot.logged_in(intents=wanted)
        with_it = await bot.logged_in(intents=wanted | int(Intent.MESSAGE_CONTENT))

        await bot.sim.script.send_message("Ada", "music", "hello")
        await bot.sim.script.send_message("Ada", "music", f"hello <@{bot.bot_id}>")

        assert (await without.event("MESSAGE_CREATE"))["content"] == ""
        assert (await without.event("MESSAGE_CREATE"))["content"].startswith("hello <@")
        assert (await with_it.event("MESSAGE_CREATE"))["content"] == "hello"


async def test_members_are_requested_in_chunks(bot: Client) -> None:
    wire = await bot.logged_in()
    guild, ada = await bot.guild(), (await bot.sim.script.world()).user("Ada").id

    await wire.send(8, {"guild_id": guild, "query": "a", "limit": 10, "nonce": "n"})
    named = await wire.event("GUILD_MEMBERS_CHUNK")
    await wire.send(8, {"guild_id": guild, "user_ids": [ada, "123"]})
    by_id = await wire.event("GUILD_MEMBERS_CHUNK")

    assert [each["user"]["username"] for each in named["members"]] == ["ada"]
    assert (named["nonce"], named["chunk_index"], named["chunk_count"]) == ("n", 0, 1)
    assert ([each["user"]["id"] for each in by_id["members"]], by_id["not_found"]) == (
        [ada],
        ["123"],
    )


async def test_op_7_and_op_9_can_be_sent(bot: Client) -> None:
    wire = await bot.logged_in()

    await bot.sim.script.ask_reconnect()
    assert (await wire.receive())["op"] == 7
    await bot.sim.script.invalidate_session(resumable=True)
    assert (await wire.receive())["d"] is True
    assert len(await bot.sim.script.sessions()) == 1
    await bot.sim.script.invalidate_session(resumable=False)
    assert (await wire.receive())["d"] is False
    assert await bot.sim.script.sessions() == []


@pytest.mark.parametrize("code", [1000, 4000, 4004, 4009, 4014])
async def test_any_close_code_can_be_had(bot: Client, code: int) -> None:
    wire = await bot.logged_in()

    assert await bot.sim.script.close_connection(code) == 1

    assert await wire.close_code() == code


async def test_a_swallowed_connection_is_silent_but_open_and_its_session_resumes() -> None:
    async with client(heartbeat_interval=0.4) as bot:
        wire = await bot.logged_in()
        assert await bot.sim.script.swallow_connection() == 1

        await wire.send(1, wire.seq)
        with pytest.raises(TimeoutError):
            await wire.receive(0.2)
        assert not wire.ws.closed
        await bot.sim.script.join_voice("Ada", "Listening room")
        again = await bot.wire()
        await again.resume(bot.sim.token, wire.session_id, wire.seq or 0)

        assert (await again.receive())["t"] == "VOICE_STATE_UPDATE"
        assert (await again.receive())["t"] == "RESUMED"


async def test_identifies_can_be_refused_and_ready_be_slow() -> None:
    async with client(identify_window=0.0) as bot:
        await bot.sim.script.fail_identifies(IdentifyFault(close_code=4000))
        await bot.sim.script.fail_identifies(IdentifyFault(invalid_session=True))
        await bot.sim.script.fail_identifies(IdentifyFault(ready_delay=0.2))

        closed = await bot.wire()
        await closed.identify(bot.sim.token)
        assert await closed.close_code() == 4000
        told = await bot.wire()
        await told.identify(bot.sim.token)
        assert (await told.op(9))["d"] is False
        slow = await bot.wire()
        await slow.identify(bot.sim.token)
        with pytest.raises(TimeoutError):
            await slow.receive(0.1)
        late = await bot.wire()
        await late.resume(bot.sim.token, (await bot.sim.script.sessions())[-1].id, 0)
        assert await late.event("READY")


async def test_guild_events_tell_of_removal_and_outage(bot: Client) -> None:
    wire = await bot.logged_in()
    guild = await bot.guild()

    await bot.sim.script.set_guild_available(guild, available=False)
    assert await wire.event("GUILD_DELETE") == {"id": guild, "unavailable": True}
    await bot.sim.script.set_guild_available(guild, available=True)
    assert (await wire.event("GUILD_CREATE"))["id"] == guild
    await bot.sim.script.kick_bot(guild)
    assert await wire.event("GUILD_DELETE") == {"id": guild}
    await bot.sim.script.invite_bot(guild)
    assert (await wire.event("GUILD_CREATE"))["id"] == guild


async def test_two_and_a_half_thousand_guilds_arrive_quickly() -> None:
    async with client(guilds=2500, openapi=None) as bot:
        began = time.process_time()

        wire = await bot.logged_in()

        assert time.process_time() - began < 20
        assert sum(payload["t"] == "GUILD_CREATE" for payload in wire.seen) == 2500


async def test_an_interaction_waits_for_a_session_that_is_away(bot: Client) -> None:
    await bot.register(PLAY)
    wire = await bot.logged_in()
    await bot.sim.script.drop_connection()
    await until(lambda: not _connected(bot))

    sent = await bot.sim.script.run_command("Ada", "music", "play", {"query": "x"})
    again = await bot.wire()
    await again.resume(bot.sim.token, wire.session_id, wire.seq or 0)

    assert (await again.event("INTERACTION_CREATE"))["id"] == sent.id
