import asyncio
from datetime import timedelta

import msgspec
import pytest

from legato.bus import BEGINNING, Bus, Entry, Undecodable
from legato.contracts.asking import Choice, Choices, Search
from legato.errors import Unavailable
from legato.redis import Client


class Said(msgspec.Struct, frozen=True, kw_only=True, tag="said.v1"):
    text: str


class Asked(msgspec.Struct, frozen=True, kw_only=True, tag="asked.v1"):
    text: str


decoder = msgspec.json.Decoder(Said)
NOW = timedelta(0)


async def test_messages_are_read_in_order_from_a_position(each_redis: Client) -> None:
    bus = Bus(each_redis)
    ids = [await bus.append("s", Said(text=str(n))) for n in range(5)]

    entries = await bus.read("s", ids[1], decoder=decoder, block=NOW)

    assert entries == [Entry(ids[n], Said(text=str(n))) for n in (2, 3, 4)]
    assert await bus.read("s", ids[4], decoder=decoder, block=NOW) == []


async def test_a_reader_waits_for_the_next_message(each_redis: Client) -> None:
    bus = Bus(each_redis)
    waiting = asyncio.create_task(bus.read("s", BEGINNING, decoder=decoder))
    await asyncio.sleep(0)
    entry = await bus.append("s", Said(text="a"))

    assert await waiting == [Entry(entry, Said(text="a"))]


async def test_what_can_not_be_read_is_told_and_does_not_stop_the_reader(each_redis) -> None:
    bus = Bus(each_redis)
    await bus.append("s", Asked(text="a"))
    await bus.append("s", Said(text="b"))

    unknown, known = await bus.read("s", BEGINNING, decoder=decoder, block=NOW)

    assert isinstance(unknown.message, Undecodable)
    assert b"asked.v1" in unknown.message.raw
    assert known.message == Said(text="b")


async def test_trimming_keeps_the_position_and_what_follows(each_redis: Client) -> None:
    bus = Bus(each_redis)
    ids = [await bus.append("s", Said(text=str(n))) for n in range(5)]
    await bus.trim("s", ids[3])

    entries = await bus.read("s", BEGINNING, decoder=decoder, block=NOW)

    assert [entry.id for entry in entries] == ids[3:]


class Losing:
    """A Redis whose answers to appends get lost, after or before they happen."""

    def __init__(self, redis: Client, *, happens: bool) -> None:
        self._redis, self._happens, self.lost = redis, happens, 0

    def __getattr__(self, name: str):
        return getattr(self._redis, name)

    async def xadd(self, *args, **kwargs):
        if self.lost == 0:
            self.lost += 1
            if self._happens:
                await self._redis.xadd(*args, **kwargs)
            raise TimeoutError
        return await self._redis.xadd(*args, **kwargs)


@pytest.mark.parametrize("happens", [True, False])
async def test_an_append_whose_answer_got_lost_is_there_once(each_redis, happens: bool) -> None:
    lossy = Losing(each_redis, happens=happens)
    entry = await Bus(lossy).append("s", Said(text="once"))

    assert lossy.lost == 1
    assert await Bus(each_redis).read("s", BEGINNING, decoder=decoder, block=NOW) == [
        Entry(entry, Said(text="once"))
    ]


async def test_an_append_to_a_redis_that_stays_away_is_unavailable(each_redis) -> None:
    class Away(Losing):
        async def xadd(self, *_args, **_kwargs):
            raise TimeoutError

    with pytest.raises(Unavailable):
        await Bus(Away(each_redis, happens=False), patience=timedelta(milliseconds=150)).append(
            "s", Said(text="a")
        )


async def test_many_go_in_one_way_to_several_streams_in_order(each_redis: Client) -> None:
    bus = Bus(each_redis)

    await bus.append_all([("ab"[n % 2], Said(text=str(n))) for n in range(6)])
    await bus.append_all([])

    for key, texts in (("a", ["0", "2", "4"]), ("b", ["1", "3", "5"])):
        entries = await bus.read(key, BEGINNING, decoder=decoder, block=NOW)
        assert [entry.message for entry in entries] == [Said(text=text) for text in texts]


async def test_a_question_is_answered_by_one_of_those_who_listen(each_redis: Client) -> None:
    bus = Bus(each_redis)
    question = Search(request_id="1", reply_to="a:1", text="jazz", guild_id=1, expires_at=0)
    answer = Choices(choices=(Choice(name="Jazz", value="http://jazz"),))

    async def answering() -> None:
        taken = await bus.questions("q", decoder=msgspec.json.Decoder(Search))
        assert taken == question
        await bus.reply(taken.reply_to, answer)

    task = asyncio.create_task(answering())
    found = await bus.ask(
        "q",
        question,
        reply_to="a:1",
        decoder=msgspec.json.Decoder(Choices),
        timeout=timedelta(seconds=1.5),
    )

    assert found == answer
    await task


async def test_a_question_nobody_answers_gives_none(each_redis: Client) -> None:
    found = await Bus(each_redis).ask(
        "q",
        Said(text="?"),
        reply_to="nobody",
        decoder=decoder,
        timeout=timedelta(milliseconds=100),
    )

    assert found is None


async def test_what_is_published_reaches_who_listens(each_redis: Client) -> None:
    bus = Bus(each_redis)
    heard = bus.subscribe("c", decoder=decoder)
    assert await anext(heard) is None
    await bus.publish("c", Said(text="a"))

    assert await anext(told async for told in heard if told) == Said(text="a")
