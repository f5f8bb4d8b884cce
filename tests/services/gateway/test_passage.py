"""Commands' way to Redis through its outages: in order, once, never late. On a real Valkey too."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato import text
from legato.contracts.playback import Command, Pause, Play, Resume
from legato.errors import Unavailable
from legato.gateway import asked
from legato.gateway.passage import BUSY, TOO_LATE, Passage, Trip
from legato.gateway.reach import Reach
from support_fast import fast
from support_gateway import stage
from support_waiting import until

AWAY = Unavailable("redis", "away")


class Clock:
    """The loop's time as the server's."""

    def now(self):
        return round(asyncio.get_running_loop().time() * 1000)


class Redis:
    """In reach or not; keeps what was sent."""

    def __init__(self):
        self.is_there = True
        self.loses_answers = 0
        self.sent = []
        self.note = lambda _: None

    async def probe(self):
        if not self.is_there:
            raise AWAY

    async def send(self, name):
        await self.probe()
        self.sent.append(name)
        self.note(name)
        if self.loses_answers:
            self.loses_answers -= 1
            raise AWAY


class Crossing:
    """A passage, and people who use it."""

    def __init__(self, most=100):
        self.redis = Redis()
        self.reach = Reach(self.redis.probe)
        self.passage = Passage(self.reach, Clock(), most=most)
        self.put_off = []
        self.looking = asyncio.create_task(self.reach.run())

    async def take(self, name, *, guild=1, seconds=30.0, reason=None):
        async def check():
            await self.redis.probe()
            return reason

        trip = Trip(
            guild,
            Clock().now() + round(seconds * 1000),
            put_off=lambda: self.put_off.append(name),
            check=check,
            send=lambda: self.redis.send(name),
        )
        return await self.passage.take(trip)

    async def back_after(self, seconds):
        await asyncio.sleep(seconds)
        self.redis.is_there = True


def crossing(main, **more):
    async def run():
        found = Crossing(**more)
        try:
            return await main(found)
        finally:
            found.looking.cancel()

    return fast(run())


def test_what_comes_while_redis_is_away_is_put_off_and_sent_in_order_when_it_is_back():
    async def main(way):
        way.redis.is_there = False
        names = [f"{number}" for number in range(20)]
        took = [way.take(name, guild=int(name) % 3) for name in names]
        *reasons, _ = await asyncio.gather(*took, way.back_after(20))
        return way, names, reasons

    way, names, reasons = crossing(main)

    assert reasons == [None] * 20
    assert set(way.put_off) == set(names)
    for guild in range(3):
        mine = [name for name in names if int(name) % 3 == guild]
        assert [name for name in way.redis.sent if name in mine] == mine


def test_who_waited_past_its_time_is_told_so_and_never_sent_and_holds_up_nobody():
    async def main(way):
        way.redis.is_there = False
        return way, await asyncio.gather(
            way.take("play", seconds=600),
            way.take("pause", seconds=30),
            way.take("skip", seconds=90),
            way.back_after(60),
        )

    way, reasons = crossing(main)

    assert reasons[:3] == [None, TOO_LATE, None]
    assert way.redis.sent == ["play", "skip"]


def test_beyond_the_bound_people_are_asked_to_try_again():
    async def main(way):
        way.redis.is_there = False
        return await asyncio.gather(*(way.take(str(n)) for n in range(5)), way.back_after(5))

    assert crossing(main, most=3)[:5] == [None, None, None, BUSY, BUSY]


def test_what_may_have_been_sent_is_not_refused_even_past_its_time():
    async def main(way):
        way.redis.loses_answers = 1
        asking = asyncio.create_task(way.take("pause", seconds=2))
        await asyncio.sleep(0)
        way.redis.is_there = False
        await way.back_after(40)
        return way, await asking

    way, reason = crossing(main)

    assert reason is None
    assert way.redis.sent == ["pause", "pause"]


def test_a_reason_to_refuse_goes_no_further():
    async def main(way):
        return way, await way.take("play", reason="not_dj")

    way, reason = crossing(main)

    assert (reason, way.redis.sent) == ("not_dj", [])


def test_what_is_late_already_is_not_even_tried():
    async def main(way):
        return way, await way.take("pause", seconds=-1)

    way, reason = crossing(main)

    assert (reason, way.redis.sent) == (TOO_LATE, [])


ARRIVALS = st.lists(
    st.tuples(
        st.floats(0, 60), st.integers(1, 3), st.sampled_from([2.0, 30.0, 600.0]), st.booleans()
    ),
    min_size=1,
    max_size=25,
)
OUTAGES = st.lists(st.tuples(st.floats(0, 60), st.floats(0.5, 50)), max_size=3)


@settings(deadline=None)
@given(arrivals=ARRIVALS, outages=OUTAGES)
def test_whatever_fails_each_is_sent_in_order_and_in_time_or_refused(arrivals, outages):
    sent_at = {}

    async def main(way):
        began = asyncio.get_running_loop().time()

        async def outage(at, seconds):
            await asyncio.sleep(at)
            way.redis.is_there = False
            await way.back_after(seconds)

        async def one(number, at, guild, seconds, loses):
            await asyncio.sleep(at + number / 1000)  # no two at the same moment
            way.redis.loses_answers += loses
            return await way.take(number, guild=guild, seconds=seconds)

        def note(number):
            sent_at.setdefault(number, asyncio.get_running_loop().time() - began)

        way.redis.note = note
        ordered = sorted(arrivals)
        failing = asyncio.gather(*(outage(*each) for each in outages))
        reasons = await asyncio.gather(*(one(n, *each) for n, each in enumerate(ordered)))
        await failing
        return ordered, reasons

    ordered, reasons = crossing(main)

    for number, ((at, _, seconds, _), reason) in enumerate(zip(ordered, reasons, strict=True)):
        assert reason in {None, TOO_LATE}
        assert (reason is None) == (number in sent_at)
        assert reason is TOO_LATE or sent_at[number] <= at + seconds + 0.1
    for guild in range(1, 4):
        mine = [n for n, each in enumerate(ordered) if each[1] == guild and n in sent_at]
        assert sorted(mine, key=lambda number: (sent_at[number], number)) == mine


# On a real Valkey that breaks.


@pytest.fixture
async def scene(breakable, tmp_path):
    async with stage(breakable.url, tmp_path) as made:
        yield made


async def ask(scene, command, options=None):
    return await scene.sim.script.run_command(scene.user, scene.text, command, options or {})


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_commands_during_an_outage_are_deferred_then_done_once_and_in_order(
    breakable, scene, how
):
    # So long a deferral is never late: what is deferred all the same, is so at once.
    async with scene.gateway(direct_answer=timedelta(minutes=5)) as gateway:
        await scene.sim.script.join_voice(scene.user, scene.voice)
        await (await ask(scene, "pause")).response()
        before = len(scene.players.of(Command))
        breakable.kill() if how == "killed" else breakable.freeze()

        first = await ask(scene, "resume")
        deferred = await first.acknowledged()
        words = ["pause", "resume", "pause", "resume"]
        others = [await ask(scene, word) for word in words]
        at_once = [await other.acknowledged() for other in others]
        breakable.start() if how == "killed" else breakable.thaw()
        shown = [await one.response() for one in (first, *others)]

        ids = [int(one.id) for one in (first, *others)]
        await until(lambda: len(scene.players.of(Command)) >= before + 5)
        record = await scene.sim.script.record()
        assert gateway.connected

    done = list(dict.fromkeys(command.id for command in scene.players.of(Command)[before:]))
    assert done == ids
    assert deferred.callback == 5
    assert all(one.callback == 5 for one in at_once)
    assert [one.message.content for one in shown] == ["Paused."] * 5
    assert (record.identifies, record.resumes) == (1, 0)


async def test_a_command_that_waited_too_long_is_told_so_and_never_run(
    breakable, scene, monkeypatch
):
    monkeypatch.setattr(asked, "SOON", timedelta(seconds=4))
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        await (await ask(scene, "pause")).response()
        breakable.kill()
        late = await ask(scene, "resume")
        await late.acknowledged()
        play = await ask(scene, "play", {"query": "a song"})

        async def refused():
            shown = await scene.sim.script.interaction(late.id)
            return shown.followups

        told = await until(refused)
        breakable.start()
        await scene.players.first(Play)
        await play.response()

    assert told[0].content == text.REFUSALS["too_late"]
    assert told[0].ephemeral
    assert scene.players.of(Resume) == []


async def test_a_redis_that_is_full_counts_as_away_until_it_takes_writes(scene):
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        await (await ask(scene, "pause")).response()
        await scene.redis.config_set("maxmemory", "1mb")
        full = await ask(scene, "resume")
        deferred = await full.acknowledged()
        await scene.redis.config_set("maxmemory", "0")
        shown = await full.response()

    assert deferred.callback == 5
    assert shown.message.content == "Paused."
    assert len({command.id for command in scene.players.of(Resume)}) == 1


async def test_beyond_the_buffer_people_are_asked_to_try_again(breakable, scene):
    async with scene.gateway(command_buffer=2):
        await scene.sim.script.join_voice(scene.user, scene.voice)
        await (await ask(scene, "pause")).response()
        breakable.kill()
        first = [await ask(scene, "pause") for _ in range(2)]
        for one in first:
            await one.acknowledged()
        refused = await (await ask(scene, "pause")).response()
        breakable.start()
        shown = [await one.response() for one in first]

    assert refused.message.content == text.REFUSALS["busy"]
    assert refused.ephemeral
    assert [one.message.content for one in shown] == ["Paused."] * 2
    assert len({command.id for command in scene.players.of(Pause)}) == 3


async def test_while_redis_is_away_a_session_is_resumed_and_never_begun(breakable, scene):
    async with scene.gateway() as gateway:
        breakable.kill()
        await scene.sim.script.drop_connection()
        await until(lambda: not gateway.connected)
        await until(lambda: gateway.connected)
        resumed = await scene.sim.script.record()

        await scene.sim.script.invalidate_session(resumable=False)
        await until(lambda: not gateway.connected)
        with pytest.raises(TimeoutError):
            await until(lambda: gateway.connected, 3)
        away = await scene.sim.script.record()
        breakable.start()
        await until(lambda: gateway.connected)
        record = await scene.sim.script.record()

    assert (resumed.identifies, resumed.resumes) == (1, 1)
    assert away.identifies == 1
    assert record.identifies == 2
    assert record.violations == []


async def test_past_its_time_alone_a_gateway_begins_nothing_and_turns_people_away(breakable, scene):
    own = {"lease_ttl": timedelta(seconds=2), "isolation": timedelta(seconds=1)}
    async with scene.gateway(**own) as gateway:
        await scene.sim.script.join_voice(scene.user, scene.voice)
        await (await ask(scene, "pause")).response()
        breakable.kill()

        async def is_turned_away():
            shown = await (await ask(scene, "pause")).acknowledged()
            return shown.callback == 4 and shown.message.content == text.REFUSALS["busy"]

        await until(is_turned_away)
        assert gateway.connected
        await scene.sim.script.drop_connection()
        await until(lambda: not gateway.connected)
        with pytest.raises(TimeoutError):
            await until(lambda: gateway.connected, 2)
        breakable.start()
        await until(lambda: gateway.connected)
        record = await scene.sim.script.record()

    assert (record.identifies, record.resumes) == (1, 1)
