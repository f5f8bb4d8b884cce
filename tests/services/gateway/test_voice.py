"""The bot's ways into voice channels: paced as Discord wants, and never left without an answer."""

import asyncio

from legato.contracts.actions import JoinVoice
from legato.contracts.voice import Mark
from legato.gateway import events
from legato.gateway.permissions import Permission
from legato.gateway.shard_state import ShardState, Stamp
from legato.gateway.voice import Voice
from support_fast import fast

BOT, GUILD, ROOM = 1, 5, 10
STAMP = Stamp(Mark(session="s", seq=1), 0)
SILENT, ANSWERING = False, True
ALL = Permission.VIEW_CHANNEL | Permission.CONNECT | Permission.SPEAK


class Line:
    """A connection: notes when op 4 was sent, and lets Discord answer or stay silent."""

    def __init__(self, *, answers=ANSWERING, connected=True, permissions=ALL):
        self.state = ShardState(BOT)
        self.sent = []
        self.told = []
        self.answers = answers
        self.connected = connected
        role = events.Role(id=GUILD, permissions=permissions)
        channel = events.Channel(id=ROOM, type=2)
        guild = events.Guild(id=GUILD, owner_id=9, roles=(role,), channels=(channel,))
        self.state.apply("GUILD_CREATE", guild, STAMP)
        self.voice = Voice(self.state, self)

    async def join_voice(self, guild_id, channel_id):
        if self.connected:
            self.sent.append((asyncio.get_running_loop().time(), guild_id, channel_id))
            if self.answers:
                asyncio.get_running_loop().call_soon(self.voice.answered, guild_id)
        return self.connected

    async def voice_refused(self, guild_id, channel_id, reason):
        self.told.append((guild_id, channel_id, reason))

    async def own_voice(self, guild_id):
        self.told.append((guild_id, "here"))

    def here(self, channel_id):
        state = events.VoiceState(user_id=BOT, guild_id=GUILD, channel_id=channel_id)
        self.state.apply("VOICE_STATE_UPDATE", state, STAMP)


def join(guild=GUILD, channel=ROOM, **more):
    return JoinVoice(key=f"voice:{guild}", guild_id=guild, channel_id=channel, **more)


def test_no_60_seconds_hold_more_joins_than_discord_allows():
    async def main():
        line = Line()
        await asyncio.gather(*(line.voice.join(join(guild)) for guild in range(100, 500)))
        return [at for at, *_ in line.sent]

    sent = fast(main())

    assert len(sent) == 400
    assert max(sum(at <= other < at + 60 for other in sent) for at in sent) <= 112
    assert sent[9] - sent[0] < 0.01, "a few at once need not wait"


def test_after_a_rest_a_few_may_go_at_once_again():
    async def main():
        line = Line()
        await asyncio.gather(*(line.voice.join(join(guild)) for guild in range(100, 130)))
        await asyncio.sleep(60)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(line.voice.join(join(guild)) for guild in range(200, 210)))
        return asyncio.get_running_loop().time() - began

    assert fast(main()) < 0.01


def test_silence_for_two_seconds_is_told_as_a_refusal():
    async def main():
        line = Line(answers=SILENT)
        began = asyncio.get_running_loop().time()
        await line.voice.join(join())
        return line.told, asyncio.get_running_loop().time() - began

    told, took = fast(main())

    assert told == [(GUILD, ROOM, "no_voice_answer")]
    assert 2 <= took < 2.1


def test_silence_where_the_bot_is_already_is_told_as_where_it_is():
    async def main():
        line = Line(answers=SILENT)
        line.here(ROOM)
        await line.voice.join(join())
        return line.told

    assert fast(main()) == [(GUILD, "here")]


def test_a_channel_that_may_not_be_entered_is_refused_without_asking_discord():
    async def main():
        line = Line(permissions=Permission.VIEW_CHANNEL)
        await line.voice.join(join())
        return line.sent, line.told

    assert fast(main()) == ([], [(GUILD, ROOM, "no_connect")])


def test_of_a_guilds_wishes_the_newest_wins():
    async def main():
        line = Line(connected=False)
        first = asyncio.create_task(line.voice.join(join()))
        await asyncio.sleep(1)
        second = asyncio.create_task(line.voice.join(join(channel=None)))
        await asyncio.sleep(1)
        line.connected = True
        await asyncio.gather(first, second)
        return [channel for *_, channel in line.sent], line.told

    assert fast(main()) == ([None], [])


def test_refused_credentials_are_renewed_by_leaving_first():
    async def main():
        line = Line()
        line.here(ROOM)
        await line.voice.join(join(rejoin=True))
        return [channel for *_, channel in line.sent]

    assert fast(main()) == [None, ROOM]


def test_who_is_out_already_needs_not_leave_to_get_new_credentials():
    async def main():
        line = Line()
        await line.voice.join(join(rejoin=True))
        return [channel for *_, channel in line.sent]

    assert fast(main()) == [ROOM]


def test_who_asks_for_music_does_not_wait_until_all_broken_calls_are_mended():
    async def main():
        line = Line()
        mends = [asyncio.create_task(line.voice.join(join(g, rejoin=True))) for g in range(50, 150)]
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(line.voice.join(join(guild)) for guild in range(200, 205)))
        took = asyncio.get_running_loop().time() - began
        await asyncio.gather(*mends)
        return took, len(line.sent)

    took, sent = fast(main())

    assert took < 8, "each waits for one mend at most"
    assert sent == 105


def test_a_wish_that_a_newer_one_replaced_costs_no_turn():
    async def main():
        line = Line()
        old = [asyncio.create_task(line.voice.join(join(guild))) for guild in range(50, 150)]
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(line.voice.join(join(guild, None)) for guild in range(60, 150)))
        await asyncio.gather(*old)
        return asyncio.get_running_loop().time() - began, len(line.sent)

    took, sent = fast(main())

    assert sent == 100
    assert took < 56, "ten went at once, and ninety leaves follow"


def test_what_discord_tells_after_a_join_belongs_to_the_joins_trace_for_a_while():
    async def main():
        line = Line()
        await line.voice.join(join(traceparent="00-a-b-01"))
        soon = line.voice.trace_of(GUILD)
        await asyncio.sleep(10)
        return soon, line.voice.trace_of(GUILD), line.voice.trace_of(6)

    assert fast(main()) == ("00-a-b-01", "", "")
