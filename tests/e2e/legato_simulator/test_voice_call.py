"""Encrypted calls over real sockets: clients, and listeners who open every frame themselves."""

import asyncio
from collections.abc import Callable

import pytest

from legato_simulator import opus, timecode, voice_call, voice_duties
from legato_simulator.dave import call, messages
from legato_simulator.dave.member import Answer
from legato_simulator.dave.messages import Body
from legato_simulator.dave.policy import Policy
from legato_simulator.voice_call import Encryption
from legato_simulator.voice_faults import VoiceFaults
from legato_simulator.voice_sender import VoiceClosed, VoiceSender
from support_voice import BOT, CHANNEL, GUILD, Room
from support_waiting import PATIENCE, until

ADA, BEN, CLEO = 901, 902, 903


@pytest.fixture(autouse=True)
def required(room: Room) -> None:
    room.server.calls.demand(Policy.REQUIRED, None)


def told(room: Room) -> Encryption:
    (encryption,) = room.server.calls.told()
    return encryption


async def settled(room: Room, *members: int) -> Encryption:
    """Wait until the group has exactly these members and nothing changes."""

    def look() -> bool:
        now = told(room)
        return sorted(now.members) == sorted(members) and not now.changing

    await until(look)
    return told(room)


def sound(packets: int) -> list[bytes]:
    return list(opus.encode(timecode.tone(4, packets * 20)))[:packets]


async def played(room: Room, sender: VoiceSender, packets: int) -> None:
    report = room.server.report(GUILD, sender.member.user_id)
    before = report.packets if report else 0
    await sender.play(sound(packets))

    def arrived() -> bool:
        report = room.server.report(GUILD, sender.member.user_id)
        return report is not None and report.packets >= before + packets

    await until(arrived)


async def test_what_a_listener_hears_was_decrypted_end_to_end(room: Room):
    await room.server.announce(GUILD, ADA, CHANNEL)
    sender = await room.connected(dave_version=1)
    await settled(room, ADA, BOT)
    await played(room, sender, 50)

    (heard,) = told(room).heard
    assert (heard.opened, heard.undecryptable, heard.early) == (50, 0, 0)
    arrivals = room.server.listener(GUILD, BOT).since(None)
    moments = await room.ear.moments(arrivals)
    assert [segment.track for segment in moments.analysis.segments] == [4]
    assert room.server.report(GUILD, BOT).unbroken


async def test_a_client_without_encryption_is_refused(room: Room):
    with pytest.raises(VoiceClosed) as refused:
        await room.connected()
    assert refused.value.code == 4017


async def test_a_stage_is_not_encrypted(room: Room):
    await room.server.announce(GUILD, ADA, CHANNEL)
    credentials = await room.server.open(GUILD, CHANNEL, BOT, "stage", stage=True)
    sender = room.sender(session_id="stage")
    await sender.connect(credentials, dave_version=1)
    await played(room, sender, 10)

    assert told(room).version == 0
    assert told(room).heard[0].opened == 0


async def test_two_bots_and_two_people_are_one_group(room: Room):
    await room.server.announce(GUILD, ADA, CHANNEL)
    await room.server.announce(GUILD, BEN, CHANNEL)
    first = await room.connected(dave_version=1)
    credentials = await room.server.open(GUILD, CHANNEL, 701, "second")
    second = room.sender(user_id=701, session_id="second")
    await second.connect(credentials, dave_version=1)
    await settled(room, ADA, BEN, BOT, 701)
    await asyncio.gather(played(room, first, 50), played(room, second, 50))

    assert [(each.opened, each.undecryptable) for each in told(room).heard] == [(100, 0)] * 2
    assert first.member.privacy_code == second.member.privacy_code
    assert told(room).refused == []


async def test_who_takes_a_voice_over_finds_the_group_of_those_who_listen(room: Room):
    await room.server.announce(GUILD, ADA, CHANNEL)
    await room.server.announce(GUILD, BEN, CHANNEL)
    await room.connected(dave_version=1)
    await settled(room, ADA, BEN, BOT)

    heir = await room.connected(dave_version=1)
    await until(lambda: heir.member.active)
    await settled(room, ADA, BEN, BOT)
    await played(room, heir, 20)

    assert (told(room).resets, told(room).refused) == (0, [])
    assert [(each.opened, each.undecryptable) for each in told(room).heard] == [(20, 0)] * 2


async def test_another_voice_server_knows_nothing_of_the_group(room: Room):
    await room.server.announce(GUILD, ADA, CHANNEL)
    await room.server.announce(GUILD, BEN, CHANNEL)
    await room.connected(dave_version=1)
    await settled(room, ADA, BEN, BOT)
    before = told(room).epochs

    room.server.place(GUILD, "hill")
    await room.connected(dave_version=1)
    now = await settled(room, ADA, BEN, BOT)

    assert before > 1
    assert now.epochs <= 2


async def test_people_come_and_go_while_it_plays(room: Room):
    sender = await room.connected(dave_version=1)
    stop = asyncio.create_task(sender.play(sound(400)))
    await room.server.announce(GUILD, ADA, CHANNEL)
    await settled(room, ADA, BOT)
    for _ in range(5):
        await room.server.announce(GUILD, BEN, CHANNEL)
        await settled(room, ADA, BEN, BOT)
        await room.server.announce(GUILD, BEN, None)
        await settled(room, ADA, BOT)
    await room.server.announce(GUILD, ADA, None)
    await stop

    def all_there() -> bool:
        return room.server.report(GUILD, BOT).packets == 400

    await until(all_there)
    report, now = room.server.report(GUILD, BOT), told(room)
    assert report.epochs[0].sealed == 0
    assert report.unbroken
    assert now.refused == []
    assert now.plain == {}


@pytest.mark.parametrize("fault", ["spoil_commits", "spoil_welcomes"])
async def test_a_broken_commit_or_welcome_is_mended(room: Room, fault: str):
    await room.server.announce(GUILD, ADA, CHANNEL)
    await room.server.announce(GUILD, BEN, CHANNEL)
    room.server.set_faults(VoiceFaults(**{fault: 1}), guild_id=GUILD)
    sender = await room.connected(dave_version=1)
    await settled(room, ADA, BEN, BOT)
    await room.server.announce(GUILD, CLEO, CHANNEL)
    await settled(room, ADA, BEN, CLEO, BOT)
    await played(room, sender, 20)

    assert told(room).flagged == 1
    assert {each.undecryptable for each in told(room).heard} == {0}


async def test_a_slow_listener_opens_later_what_came_before_its_epoch(room: Room):
    await room.server.announce(GUILD, ADA, CHANNEL)
    sender = await room.connected(dave_version=1)
    await settled(room, ADA, BOT)
    room.server.set_faults(VoiceFaults(slow_listeners=0.3), guild_id=GUILD)
    await room.server.announce(GUILD, BEN, CHANNEL)
    await played(room, sender, 100)
    await settled(room, ADA, BEN, BOT)

    assert {each.undecryptable for each in told(room).heard} == {0}
    assert room.server.report(GUILD, BOT).unbroken


async def test_a_call_goes_down_and_up_again(room: Room):
    await room.server.announce(GUILD, ADA, CHANNEL)
    sender = await room.connected(dave_version=1)
    await settled(room, ADA, BOT)
    await played(room, sender, 5)
    room.server.calls.demand(Policy.OFF, GUILD)
    await settled(room)
    await played(room, sender, 5)
    opened = told(room).heard[0].opened
    room.server.calls.demand(Policy.REQUIRED, GUILD)
    await settled(room, ADA, BOT)
    await played(room, sender, 5)

    assert (opened, told(room).heard[0].opened) == (5, 10)
    assert room.server.report(GUILD, BOT).unbroken


async def test_a_resumed_client_is_told_what_the_group_did_meanwhile(room: Room):
    await room.server.announce(GUILD, ADA, CHANNEL)
    sender = await room.connected(dave_version=1)
    await settled(room, ADA, BOT)
    room.server.socket(GUILD, BOT).drop()
    await sender.closed()
    await until(lambda: room.server.socket(GUILD, BOT) is None)
    await room.server.announce(GUILD, BEN, CHANNEL)
    await settled(room, ADA, BEN, BOT)
    epoch = told(room).epoch
    await sender.resume()
    await until(lambda: sender.member.epoch == epoch)
    await played(room, sender, 20)

    assert {each.undecryptable for each in told(room).heard} == {0}
    assert told(room).flagged == 0


async def test_a_client_that_resumes_too_late_begins_anew(
    room: Room, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(voice_call, "AWAY_S", 0.05)
    await room.server.announce(GUILD, ADA, CHANNEL)
    sender = await room.connected(dave_version=1)
    await settled(room, ADA, BOT)
    await room.server.close(GUILD, BOT, 4000)
    await sender.closed()
    await until(lambda: room.server.calls.told() == [])
    monkeypatch.setattr(voice_call, "AWAY_S", 60)
    await sender.resume()
    await settled(room, ADA, BOT)
    await played(room, sender, 20)

    assert told(room).heard[0].opened == 20
    assert told(room).plain == {}


async def test_who_comes_and_goes_again_and_again_leaves_no_ear_behind(
    room: Room, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(voice_call, "LATE_S", 0.5)
    await room.server.announce(GUILD, ADA, CHANNEL)
    await room.connected(dave_version=1)
    await settled(room, ADA, BOT)
    present = room.server.calls._calls[GUILD, CHANNEL]
    for _ in range(3):
        await room.server.announce(GUILD, BEN, CHANNEL)
        await room.server.announce(GUILD, BEN, None)

    await until(lambda: present._late == [])


async def playing_until(sender: VoiceSender, true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await sender.play(sound(10))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "TRANSITION_S", 0.2)
    monkeypatch.setattr(voice_duties, "GRACE_S", 0.2)


@pytest.mark.usefixtures("impatient")
async def test_who_stays_plain_long_after_the_transition_is_found_out_though_never_ready(
    room: Room, monkeypatch: pytest.MonkeyPatch
):
    sender = await room.connected(dave_version=1)
    takes = sender.member.take

    def never_ready(op: int, body: Body) -> list[Answer]:
        return [each for each in takes(op, body) if each[0] != messages.READY_FOR_TRANSITION]

    monkeypatch.setattr(sender.member, "take", never_ready)
    monkeypatch.setattr(sender.member, "seal", lambda payload: payload)
    await room.server.announce(GUILD, ADA, CHANNEL)
    await settled(room, ADA, BOT)

    await playing_until(sender, lambda: told(room).plain.get(BOT, 0) > 0)


@pytest.mark.usefixtures("impatient")
async def test_who_stays_with_the_old_key_is_found_out_by_a_newcomer_too(
    room: Room, monkeypatch: pytest.MonkeyPatch
):
    await room.server.announce(GUILD, ADA, CHANNEL)
    sender = await room.connected(dave_version=1)
    await settled(room, ADA, BOT)
    monkeypatch.setattr(sender.member, "take", lambda op, body: [])
    await room.server.announce(GUILD, BEN, CHANNEL)
    await settled(room, ADA, BEN, BOT)

    def bens() -> int:
        return sum(each.undecryptable for each in told(room).heard if each.user_id == BEN)

    await playing_until(sender, lambda: bens() > 0)
