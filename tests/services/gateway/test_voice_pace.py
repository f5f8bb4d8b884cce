"""Turns of op 4: paced, each line served, and nobody waits behind those who have left."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from legato.gateway.voice_pace import BURST, EVERY, Pace
from support_fast import fast


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_everyone_who_stays_gets_a_turn_and_no_more_go_than_the_pace_allows(arrivals):
    async def main():
        pace, loop = Pace(), asyncio.get_running_loop()
        began, times = loop.time(), []
        turns = [(pace.turn(mends=mends), leaves) for mends, leaves in arrivals]
        for turn, leaves in turns:
            if leaves and not turn.done():
                turn.cancel()
        for turn, _ in turns:
            turn.add_done_callback(lambda each: each.cancelled() or times.append(loop.time()))
        await asyncio.wait([turn for turn, _ in turns]) if turns else None
        await asyncio.sleep(0)
        return [at - began for at in times]

    times = sorted(fast(main()))

    for at in times:
        gone = sum(other <= at for other in times)
        assert gone <= BURST + 1 + at / EVERY.total_seconds() + 0.01
