"""What was put aside can be read and dropped, and shows no token."""

from legato import dead_letters
from legato.contracts import keys
from legato.contracts.partitions import all_partitions
from legato.redis import Client

PARTITIONS = all_partitions(bot=7, region="default", count=4)


async def put_aside(redis: Client, index: int, message: bytes, *, at: int) -> None:
    """Keep a message as the commit script does."""
    why = "its step crashed 3 times"
    await redis.xadd(keys.dead(PARTITIONS[index]), {"m": message, "why": why}, id=f"{at}-0")


async def test_the_newest_comes_first_and_no_token_is_shown(redis: Client) -> None:
    raw = b'{"type":"playback.play.v1","guild_id":5,"origin":{"token":"t0ps3cret","user_id":9}}'
    await put_aside(redis, 1, raw, at=1000)
    await put_aside(redis, 3, b"\xffno json", at=2000)

    newest, oldest = await dead_letters.letters(redis, PARTITIONS)

    assert (newest.name, newest.kind) == ("default:p3/2000-0", "unreadable")
    assert newest.message == "\\xffno json"
    assert (oldest.name, oldest.kind) == ("default:p1/1000-0", "playback.play.v1")
    assert (oldest.guild_id, oldest.at) == ("5", 1000)
    assert oldest.message == {
        "type": "playback.play.v1",
        "guild_id": 5,
        "origin": {"token": "(hidden)", "user_id": 9},
    }


async def test_only_what_is_named_and_there_is_dropped(redis: Client) -> None:
    for at in (1000, 2000):
        await put_aside(redis, 1, b"{}", at=at)
    names = [
        "default:p1/1000-0",
        "default:p1/9-9",
        "elsewhere:p1/1000-0",
        "nonsense",
        "default:p1/x",
    ]

    assert await dead_letters.drop(redis, PARTITIONS, names) == ["default:p1/1000-0"]
    assert [one.name for one in await dead_letters.letters(redis, PARTITIONS)] == [
        "default:p1/2000-0"
    ]
