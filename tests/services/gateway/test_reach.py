import asyncio

from legato.errors import Unavailable
from legato.gateway.reach import Reach
from support_fast import fast


class Server:
    """Answers again after so many attempts."""

    def __init__(self, away=0):
        self.away = away
        self.asked = 0

    async def probe(self):
        self.asked += 1
        if self.asked <= self.away:
            raise Unavailable("redis", "away")


def test_it_is_in_reach_until_somebody_misses_it_and_then_until_it_answers():
    server = Server(away=8)

    async def main():
        reach = Reach(server.probe)
        looking = asyncio.create_task(reach.run())
        began, told = asyncio.get_running_loop().time(), [reach.is_away]
        await reach.back()
        reach.lose("timed out")
        reach.lose("again")
        told.append(reach.is_away)
        await reach.back()
        told.append(reach.is_away)
        looking.cancel()
        return told, asyncio.get_running_loop().time() - began

    told, took = fast(main())

    assert told == [False, True, False]
    assert server.asked == 9
    assert 2.0 <= took < 2.5
