"""The now-playing panels: one message a guild, brought to the newest state, not too often."""

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from legato import telemetry
from legato.contracts.actions import ShowPanel
from legato.errors import Unavailable
from legato.gateway import answers, discord
from legato.gateway.metrics import Metrics

EVERY = timedelta(seconds=2)
"""Discord allows about five edits of a channel's messages in five seconds, for everything we do."""
_MOST_TRIES = 5

_log = telemetry.logger(__name__)


class Courier(Protocol):
    """What brings messages to Discord."""

    async def pace(self) -> None:
        """Return when one more request may go."""

    async def request(self, route: discord.Route, body: object = None, **path: int | str) -> object:
        """Make a request as the bot, after `pace`. Raises Refused, Unavailable."""


class Herald(Protocol):
    """What tells the guild's player where its panel is."""

    async def panel_shown(self, guild_id: int, channel_id: int, message_id: int) -> None:
        """Tell it; message 0 says that there is none."""

    def knows(self, guild_id: int) -> bool:
        """Tell whether the bot is in the guild."""

    def locale_of(self, guild_id: int) -> str:
        """Return the guild's own language, as Discord names it."""


@dataclass(slots=True)
class _Panel:
    newest: ShowPanel
    herald: Herald
    channel_id: int
    message_id: int
    unwanted: int = 0
    """The message that another is to be posted instead of, in the same channel or elsewhere."""
    changed: bool = True
    paced: bool = False
    """Its next request may go at once."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """The newest is drawn, or need not be."""
    held: list[asyncio.Event] = field(default_factory=list)
    """The same of older ones that said more than a state: they are drawn with the newest."""
    notice: tuple[str, str] = ("", "")
    noticed: tuple[str | None, bool] = (None, False)
    """What the notice was about; it stands until that is something else."""


class Panels:
    """The panels of this process's guilds."""

    def __init__(
        self,
        courier: Courier,
        metrics: Metrics,
        tasks: asyncio.TaskGroup,
        *,
        every: timedelta = EVERY,
    ) -> None:
        self._courier = courier
        self._metrics = metrics
        self._tasks = tasks
        self._every = every.total_seconds()
        self._panels: dict[int, _Panel] = {}
        self._drawing: dict[int, asyncio.Task[None]] = {}

    @property
    def guilds(self) -> int:
        """Count the guilds whose panels are known."""
        return len(self._panels)

    def is_current(self, guild_id: int, message_id: int) -> bool:
        """Say whether a message surely is the guild's panel."""
        panel = self._panels.get(guild_id)
        return panel is not None and panel.message_id == message_id

    async def show(self, action: ShowPanel, herald: Herald) -> None:
        """Bring the panel to a state; returns when it is there, or a newer one is to come.

        So who notes what is done need not wait for a guild whose panel never rests.
        """
        guild_id = action.guild_id
        panel = self._panels.get(guild_id)
        if panel is None:
            panel = self._panels[guild_id] = _Panel(action, herald, *_place(action))
        elif _age(action) >= _age(panel.newest) or action.notice:
            _release(panel)
            panel.newest, panel.herald, panel.changed = action, herald, True
        over = panel.over
        panel.unwanted = action.old_message_id or panel.unwanted
        if panel.newest is not action:
            return
        if action.notice or panel.noticed != _situation(action):
            panel.notice = (action.notice, action.notice_detail)
            panel.noticed = _situation(action)
        task = self._drawing.get(guild_id)
        if task is None or task.done():
            task = self._tasks.create_task(self._draw_while_changed(panel))
            self._drawing[guild_id] = task
        await over.wait()

    def forget(self, herald: Herald) -> None:
        """Drop what is known of the guilds of a shard that is another process's now."""
        for guild_id, panel in [*self._panels.items()]:
            if panel.herald is herald:
                del self._panels[guild_id]

    async def _draw_while_changed(self, panel: _Panel) -> None:
        tries = 0
        try:
            while panel.changed:
                await self._pace(panel)  # in a line, maybe; what is newest then is drawn
                panel.changed = False
                overs, panel.held = (panel.over, *panel.held), []
                try:
                    await self._draw(panel)
                    tries = 0
                except Unavailable as error:
                    tries += 1
                    panel.changed = tries < _MOST_TRIES
                    panel.held += overs
                    _log.warning("a panel is behind", why=str(error))
                else:
                    _end(overs)
                await asyncio.sleep(self._every)
        finally:
            _end((panel.over, *panel.held))
        self._done(panel)

    async def _pace(self, panel: _Panel) -> None:
        if not panel.paced:
            await self._courier.pace()
        panel.paced = True

    async def _ask(
        self, panel: _Panel, route: discord.Route, body: object = None, **path: int
    ) -> object:
        await self._pace(panel)
        panel.paced = False
        return await self._courier.request(route, body, **path)

    def _done(self, panel: _Panel) -> None:
        """Forget what need not be known: the task, and a panel at rest that its player knows."""
        guild_id, action = panel.newest.guild_id, panel.newest
        self._drawing.pop(guild_id, None)
        is_at_rest = action.now.track is None and action.now.voice_channel_id is None
        if is_at_rest and panel.message_id == action.message_id:
            self._panels.pop(guild_id, None)

    async def _draw(self, panel: _Panel) -> None:
        action = panel.newest
        if not panel.herald.knows(action.guild_id):
            panel.paced = False  # what nobody sends now is not owed later
            return
        if panel.channel_id != action.channel_id or panel.message_id == panel.unwanted:
            await self._remove(panel)
            panel.channel_id = action.channel_id
            panel.message_id = 0 if action.message_id == panel.unwanted else action.message_id
        elif action.message_id and not panel.message_id:
            panel.message_id = action.message_id
        name, detail = panel.notice
        locale = panel.herald.locale_of(action.guild_id)
        body = answers.panel(action.now, locale, notice=name, detail=detail)
        if panel.message_id and await self._edit(panel, body):
            return
        await self._create(panel, body, action.key)

    async def _edit(self, panel: _Panel, body: answers.Json) -> bool:
        """Change the message; False when it is gone, and another may be posted."""
        try:
            await self._ask(
                panel,
                discord.EDIT_MESSAGE,
                body,
                channel=panel.channel_id,
                message=panel.message_id,
            )
        except discord.Refused as refused:
            self._metrics.discord_errors.labels(str(refused.status)).inc()
            if refused.code == discord.UNKNOWN_MESSAGE:
                panel.message_id = 0
                return False
            _log.info("a panel stays as it is", guild=panel.newest.guild_id, why=str(refused))
        else:
            self._metrics.panel_writes.labels("edit").inc()
        return True

    async def _create(self, panel: _Panel, body: answers.Json, key: str) -> None:
        """Post the message; a nonce from the action's key makes a repeat find the first."""
        nonce = hashlib.sha256(key.encode()).hexdigest()[:24]
        guild_id = panel.newest.guild_id
        try:
            made = await self._ask(
                panel,
                discord.POST_MESSAGE,
                {**body, "nonce": nonce, "enforce_nonce": True},
                channel=panel.channel_id,
            )
        except discord.Refused as refused:
            self._metrics.discord_errors.labels(str(refused.status)).inc()
            _log.info("a panel may not be written", guild=guild_id, why=str(refused))
            self._panels.pop(guild_id, None)
            await panel.herald.panel_shown(guild_id, panel.channel_id, 0)
            return
        self._metrics.panel_writes.labels("create").inc()
        panel.message_id = _id(made)
        await panel.herald.panel_shown(guild_id, panel.channel_id, panel.message_id)

    async def _remove(self, panel: _Panel) -> None:
        if not panel.message_id:
            return
        try:
            await self._ask(
                panel,
                discord.DELETE_MESSAGE,
                channel=panel.channel_id,
                message=panel.message_id,
            )
            self._metrics.panel_writes.labels("delete").inc()
        except discord.Refused as refused:
            self._metrics.discord_errors.labels(str(refused.status)).inc()


def _release(panel: _Panel) -> None:
    """Let go who waits for what is not the newest any more, if a state is all it was."""
    newest = panel.newest
    if newest.notice or newest.old_message_id:
        panel.held.append(panel.over)
    else:
        panel.over.set()
    panel.over = asyncio.Event()


def _end(overs: Iterable[asyncio.Event]) -> None:
    for over in overs:
        over.set()


def _place(action: ShowPanel) -> tuple[int, int]:
    """Say in which channel the panel's message is now, and which one it is."""
    if action.old_message_id:
        return action.old_channel_id, action.old_message_id
    return action.channel_id, action.message_id


def _situation(action: ShowPanel) -> tuple[str | None, bool]:
    """Say what plays, and whether it is silent: what most notices are about."""
    return action.now.play_id, action.now.paused


def _age(action: ShowPanel) -> tuple[int, int]:
    """Order states by their time: a guild's revisions begin anew when its player was forgotten."""
    return action.now.as_of, action.now.revision


def _id(made: object) -> int:
    match made:
        case {"id": str(number)}:
            return int(number)
        case _:
            return 0
