"""What each effect does: one match, a few lines each. Knows no lease and no commit."""

import asyncio
from datetime import timedelta
from typing import assert_never

from msgspec.structs import replace

from legato import telemetry
from legato.audio import views
from legato.audio.driving import Driver
from legato.audio.effects import (
    Audit,
    Effect,
    Note,
    Record,
    Resolve,
    SaveQueue,
    SaveSettings,
    SyncNode,
    SyncPanel,
    SyncVoice,
    Tell,
)
from legato.audio.means import Tools
from legato.audio.partitions import PartitionLoop
from legato.contracts import keys
from legato.contracts.actions import Actions, JoinVoice, Reply, ShowPanel
from legato.contracts.partitions import shard_of
from legato.errors import Unavailable


class Actor:
    """Does the effects of one partition's players."""

    def __init__(self, loop: PartitionLoop, driver: Driver, tools: Tools) -> None:
        self._loop = loop
        self._driver = driver
        self._tools = tools

    async def act(self, guild_id: int, effect: Effect) -> None:
        """Do one effect, with the lease to do it; Unavailable = again later."""
        if not isinstance(effect, SyncNode | Resolve | Note):
            self._loop.writer.allow(self._tools.call_timeout)
        match effect:
            case SyncNode():
                await self._driver.sync(guild_id)
            case SyncVoice():
                await self._voice(guild_id, effect)
            case SyncPanel():
                await self._panel(guild_id, effect)
            case Tell():
                await self._tell(guild_id, effect)
            case Resolve():
                await self._resolve(guild_id, effect)
            case SaveQueue():
                await self._tools.behind.save(guild_id)
            case SaveSettings():
                await self._save_settings(guild_id, effect)
            case Record():
                await self._tools.behind.record(guild_id, effect)
            case Note():
                self._tools.behind.note(effect)
            case Audit():
                await self._tools.behind.audit(guild_id, effect)
            case _:
                assert_never(effect)

    async def _voice(self, guild_id: int, effect: SyncVoice) -> None:
        player = self._loop.player(guild_id)
        channel = player.voice.wanted if player else None
        key = f"voice:{guild_id}:{effect.seq}"
        join = JoinVoice(key=key, guild_id=guild_id, channel_id=channel, rejoin=effect.rejoin)
        await self._ask_shard(join)

    async def _panel(self, guild_id: int, effect: SyncPanel) -> None:
        player = self._loop.player(guild_id)
        if player is None:
            return
        now = views.now_playing(player, now=self._loop.now())
        await self._tools.live.show(now)
        channel = player.text_channel_id or player.panel_channel_id
        if not channel or not views.worth_a_panel(player, notice=effect.notice):
            return
        stays = channel == player.panel_channel_id and not effect.anew
        panel = ShowPanel(
            key=f"panel:{guild_id}:{effect.seq}",
            guild_id=guild_id,
            channel_id=channel,
            message_id=player.panel_message_id if stays else 0,
            old_channel_id=0 if stays else player.panel_channel_id,
            old_message_id=0 if stays else player.panel_message_id,
            now=now,
            notice=effect.notice,
            notice_detail=effect.notice_detail,
        )
        await self._ask_shard(panel)

    async def _tell(self, guild_id: int, effect: Tell) -> None:
        reply = Reply(
            key=f"reply:{effect.key}",
            guild_id=guild_id,
            origin=effect.origin,
            answer=effect.answer,
        )
        await self._ask_shard(reply)

    async def _ask_shard(self, action: Actions) -> None:
        count = await self._tools.layout.shards()
        shard = shard_of(action.guild_id, bot=self._loop.partition.bot, count=count)
        action = replace(action, traceparent=telemetry.traceparent())
        try:
            async with asyncio.timeout(self._tools.call_timeout.total_seconds()):
                await self._tools.means.bus.append(keys.inbox(shard), action)
        except TimeoutError as error:
            raise Unavailable("redis", "the shard's inbox is slow") from error

    async def _resolve(self, guild_id: int, effect: Resolve) -> None:
        within = timedelta(milliseconds=effect.deadline - self._loop.now())
        found = await self._tools.resolver.resolve(
            guild_id, effect.slot, effect.query, within=within
        )
        self._loop.tell(found)

    async def _save_settings(self, guild_id: int, effect: SaveSettings) -> None:
        await self._tools.behind.save_settings(
            guild_id, effect.settings, epoch=self._loop.writer.held().epoch
        )
        await self._tools.live.keep_settings(guild_id, effect.settings)


def trace_of(effect: Effect, trace: str) -> str:
    """Return the trace an effect belongs to: an answer's is its command's, whatever led to it."""
    if not isinstance(effect, Tell) or telemetry.same_trace(trace, effect.origin.traceparent):
        return trace
    return effect.origin.traceparent or trace
