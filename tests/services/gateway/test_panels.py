"""The now-playing panel: one message a guild, drawn anew no more often than Discord likes."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from legato import text
from legato.contracts.actions import ShowPanel
from legato.contracts.tracks import NowPlaying, Track
from legato.errors import Unavailable
from legato.gateway import discord
from legato.gateway.metrics import Metrics
from legato.gateway.panels import Panels
from support_waiting import PATIENCE, until

VERBS = {
    discord.POST_MESSAGE: "post",
    discord.EDIT_MESSAGE: "edit",
    discord.DELETE_MESSAGE: "delete",
}


class Channels:
    """Discord's text channels: keeps what was done to which message."""

    def __init__(self):
        self.done = []
        self.bodies = []
        self.gone = set()
        self.failures = []
        self.open = asyncio.Event()
        self.open.set()
        self.line = asyncio.Event()
        self.line.set()

    async def pace(self):
        await self.line.wait()

    async def request(self, route, body=None, **path):
        await asyncio.sleep(0)
        await self.open.wait()
        if self.failures:
            raise self.failures.pop(0)
        message = path.get("message", 100 + len(self.done))
        if message in self.gone:
            raise discord.Refused(404, discord.UNKNOWN_MESSAGE, "Unknown Message")
        self.done.append((VERBS[route], path["channel"], message))
        self.bodies.append(body)
        return {"id": str(message)}


class Herald:
    """A shard, as the panels see it."""

    def __init__(self, locale="en-US"):
        self.shown = []
        self.locale = locale
        self.member = True

    async def panel_shown(self, guild_id, channel_id, message_id):
        self.shown.append((guild_id, channel_id, message_id))

    def knows(self, _guild_id):
        return self.member

    def locale_of(self, _guild_id):
        return self.locale


@pytest.fixture
def channels():
    return Channels()


@contextlib.asynccontextmanager
async def panels(channels, every=timedelta()):
    async with asyncio.TaskGroup() as tasks:
        yield Panels(channels, Metrics(CollectorRegistry()), tasks, every=every)


def show(channel=1, *, at=1, revision=1, **more):
    track = Track(encoded="x", title=f"Song {at}", length=60_000)
    now = NowPlaying(guild_id=7, revision=revision, as_of=at, track=track, play_id="p")
    return ShowPanel(key=f"panel:{at}", guild_id=7, channel_id=channel, now=now, **more)


def rest(channel=1, *, at=1, **more):
    now = NowPlaying(guild_id=7, revision=at, as_of=at)
    return ShowPanel(key=f"panel:{at}", guild_id=7, channel_id=channel, now=now, **more)


async def test_the_first_panel_is_posted_once_and_the_player_told_where(channels):
    herald = Herald()
    async with panels(channels) as drawn:
        await drawn.show(show(), herald)

    assert channels.done == [("post", 1, 100)]
    assert channels.bodies[0]["enforce_nonce"] is True
    assert herald.shown == [(7, 1, 100)]


async def test_a_panel_that_another_process_posted_is_edited(channels):
    async with panels(channels) as drawn:
        await drawn.show(show(message_id=55), Herald())
        assert drawn.is_current(7, 55)

    assert channels.done == [("edit", 1, 55)]


async def test_a_panel_that_another_process_posted_elsewhere_is_taken_away(channels):
    herald = Herald()
    async with panels(channels) as drawn:
        await drawn.show(show(2, old_channel_id=1, old_message_id=55), herald)

    assert channels.done == [("delete", 1, 55), ("post", 2, 101)]
    assert herald.shown == [(7, 2, 101)]


async def test_a_panel_moves_with_what_is_wanted(channels):
    async with panels(channels) as drawn:
        await drawn.show(show(1), Herald())
        await drawn.show(show(2, at=2), Herald())

    assert channels.done == [("post", 1, 100), ("delete", 1, 100), ("post", 2, 102)]


async def test_a_panel_that_is_wanted_anew_goes_below_what_was_said_since(channels):
    herald = Herald()
    async with panels(channels) as drawn:
        await drawn.show(show(), herald)
        anew = show(at=2, old_channel_id=1, old_message_id=100)
        await drawn.show(anew, herald)
        await drawn.show(anew, herald)
        await drawn.show(show(at=3, message_id=100), herald)

    assert channels.done == [
        ("post", 1, 100),
        ("delete", 1, 100),
        ("post", 1, 102),
        ("edit", 1, 102),
        ("edit", 1, 102),
    ]
    assert herald.shown == [(7, 1, 100), (7, 1, 102)]


async def test_a_panel_that_another_process_posted_is_brought_down_once(channels):
    async with panels(channels) as drawn:
        await asyncio.gather(
            drawn.show(show(old_channel_id=1, old_message_id=55), Herald()),
            drawn.show(show(at=2, message_id=55), Herald()),
        )

    assert [deed for deed in channels.done if deed[0] != "edit"] == [
        ("delete", 1, 55),
        ("post", 1, 101),
    ]


async def test_a_panel_that_somebody_deleted_is_posted_anew(channels):
    channels.gone.add(55)
    async with panels(channels) as drawn:
        await drawn.show(show(message_id=55), Herald())

    assert channels.done == [("post", 1, 100)]


@pytest.mark.parametrize(
    ("status", "code"), [(403, 50001), (403, 50013), (400, 50035), (404, 10003), (429, 0)]
)
async def test_a_panel_that_may_not_be_changed_is_kept_and_not_posted_twice(channels, status, code):
    herald = Herald()
    async with panels(channels) as drawn:
        channels.failures = [discord.Refused(status, code, "no")]
        await drawn.show(show(message_id=55), herald)
        await drawn.show(show(at=2, message_id=55), herald)

    assert channels.done == [("edit", 1, 55)]
    assert herald.shown == []


async def test_a_guild_at_rest_is_forgotten_and_its_panel_found_again(channels):
    async with panels(channels) as drawn:
        await drawn.show(show(), Herald())
        assert drawn.guilds == 1
        await drawn.show(rest(at=2, message_id=100), Herald())

        async def forgotten():
            return drawn.guilds == 0

        await until(forgotten)
        await drawn.show(show(at=3, message_id=100), Herald())

    assert channels.done == [("post", 1, 100), ("edit", 1, 100), ("edit", 1, 100)]


async def test_a_guild_at_rest_is_kept_until_its_player_knows_the_message(channels):
    async with panels(channels) as drawn:
        await drawn.show(rest(at=1), Herald())
        await drawn.show(rest(at=2), Herald())

    assert channels.done == [("post", 1, 100), ("edit", 1, 100)]


async def test_many_changes_become_few_edits_and_the_newest_is_shown(channels):
    async with panels(channels, timedelta(milliseconds=50)) as drawn:
        await asyncio.gather(*(drawn.show(show(at=at), Herald()) for at in range(1, 30)))

    assert len(channels.done) <= 3
    assert "Song 29" in str(channels.bodies[-1])


async def test_who_waits_for_a_state_that_another_took_the_place_of_waits_no_more(channels):
    channels.open.clear()
    async with panels(channels) as drawn, asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(drawn.show(show(at=at), Herald())) for at in (1, 2, 3)]
        told = tasks.create_task(drawn.show(show(at=4, notice="node_lost"), Herald()))
        newest = tasks.create_task(drawn.show(show(at=5), Herald()))
        await asyncio.wait(asked, timeout=PATIENCE)

        assert [one.done() for one in (*asked, told, newest)] == [True] * 3 + [False] * 2
        channels.open.set()

    assert channels.done == [("post", 1, 100)]
    assert "Song 5" in channels.bodies[0]["embeds"][0]["description"]


async def test_an_older_state_changes_nothing(channels):
    async with panels(channels) as drawn:
        await drawn.show(show(at=5), Herald())
        await drawn.show(show(at=4), Herald())

    assert channels.done == [("post", 1, 100)]


async def test_a_new_player_of_the_guild_counts_its_revisions_anew(channels):
    async with panels(channels) as drawn:
        await drawn.show(show(at=5, revision=99), Herald())
        await drawn.show(show(at=6, revision=1), Herald())

    assert channels.done == [("post", 1, 100), ("edit", 1, 100)]


async def test_a_panel_speaks_the_guilds_language(channels):
    async with panels(channels) as drawn:
        await drawn.show(show(), Herald("de"))

    labels = [button["label"] for button in channels.bodies[0]["components"][0]["components"]]
    assert "Pause" in labels
    assert "Überspringen" in labels


async def test_a_channel_that_may_not_be_written_to_is_given_up(channels):
    channels.failures = [discord.Refused(403, 50013, "Missing Permissions")]
    herald = Herald()
    async with panels(channels) as drawn:
        await drawn.show(show(), herald)

    assert channels.done == []
    assert herald.shown == [(7, 1, 0)]


async def test_a_panel_waits_while_discord_is_away(channels):
    channels.failures = [Unavailable("discord", "away")] * 2
    async with panels(channels) as drawn:
        await drawn.show(show(), Herald())

    assert channels.done == [("post", 1, 100)]


async def test_the_panels_of_a_shard_that_went_are_forgotten(channels):
    herald = Herald()
    async with panels(channels) as drawn:
        await drawn.show(show(), herald)
        drawn.forget(Herald())
        assert drawn.is_current(7, 100)
        drawn.forget(herald)
        await until(lambda: not drawn.is_current(7, 100))


async def test_a_guild_that_the_bot_is_no_more_in_is_written_nothing(channels):
    async with panels(channels) as shown:
        herald = Herald()
        await shown.show(show(at=1), herald)
        herald.member = False
        await shown.show(show(at=2, notice="kicked"), herald)

    assert len(channels.done) == 1


async def test_a_notice_stands_until_what_it_is_about_has_changed(channels):
    async with panels(channels) as shown:
        herald = Herald()
        await shown.show(show(at=1, notice="server_muted"), herald)
        await shown.show(show(at=2), herald)
        await shown.show(rest(at=3), herald)

    muted = text.NOTICES["server_muted"]
    assert [body["content"] for body in channels.bodies] == [muted, muted, ""]


async def test_in_a_line_of_requests_the_state_that_is_newest_at_its_turn_is_drawn(channels):
    herald = Herald()
    async with panels(channels) as drawn:
        await drawn.show(show(message_id=55), herald)
        channels.line.clear()
        async with asyncio.TaskGroup() as tasks:
            for at in (2, 3, 4):
                tasks.create_task(drawn.show(show(message_id=55, at=at, revision=at), herald))
            await asyncio.sleep(0)
            channels.line.set()

    assert [done[0] for done in channels.done] == ["edit", "edit"]
    assert "Song 4" in str(channels.bodies[-1])
