"""One session with Discord's gateway through hikari 2.7.0. Knows no request and no event.

hikari has no public way to RESUME in another process, to ask before it connects, or to close with a
code that keeps the session; the private names used for that are pinned with its version and held by
tests against a gateway on the wire. Its typed events stay off.
"""

import asyncio
import contextlib
import functools
import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import hikari
from hikari import errors
from hikari.impl import HTTPSettings, ProxySettings
from hikari.impl.shard import GatewayShardImpl
from hikari.impl.shard import _GatewayTransport as GatewayTransport
from hikari.internal import data_binding

from legato.gateway import payloads
from legato.gateway.shard_store import Session
from legato.settings import Secret

INTENTS = hikari.Intents.GUILDS | hikari.Intents.GUILD_VOICE_STATES
"""Neither is privileged, so that no bot needs Discord's approval to run Legato."""
_IDENTIFY = 2
_RESUMABLE_CLOSE = 4000
"""1000 and 1001 end a session; this keeps it for whoever RESUMEs next."""
_ENDING_CLOSES = frozenset({1000, 1001})
_CLOSES_WITHIN = 1.0
"""Seconds for a connection to be closed in order."""
_GREETS_WITHIN = 5.0
"""Seconds, as in hikari, that the other side has to answer a close with one of its own."""


T = TypeVar("T")


class Ended(Exception):
    """Discord closed the session for good; the code says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the gateway closed with {code}")
        self.code = code


class Gate(Protocol):
    """Who may connect, and who may identify."""

    async def may_connect(self, *, resuming: bool) -> None:
        """Return when the shard may connect; a new session needs a permit."""

    async def may_identify(self) -> None:
        """Return right before IDENTIFY may be sent."""


class Sink(Protocol):
    """Where events go, in the tick they come in."""

    def take(self, name: str, seq: int, session_id: str, data: object) -> None:
        """Take one event; returns at once."""


class Connection(GatewayShardImpl):
    """One gateway session that can be resumed from another process, and left for one."""

    __slots__ = ("_gate", "_is_ending", "_lifetime")

    def __init__(self, link: "Link", index: int, count: int, *, gate: Gate, sink: Sink) -> None:
        events = _Events(sink)
        super().__init__(
            event_manager=events,  # type: ignore[arg-type]  # of it, two methods are called
            event_factory=events,  # type: ignore[arg-type]  # of it, two methods are called
            http_settings=HTTPSettings(),
            proxy_settings=ProxySettings(),
            loads=payloads.loads,
            intents=INTENTS,
            shard_id=index,
            shard_count=count,
            token=link.token.reveal(),
            url=link.url,
        )
        self._gate = gate
        self._is_ending = False
        self._lifetime: set[asyncio.Task[object]] = set()

    def resume(self, session: Session) -> None:
        """Go on with a session of another process; before `run`."""
        self._session_id = session.session_id
        self._seq = session.seq
        self._resume_gateway_url = session.resume_url
        self._user_id = hikari.Snowflake(session.user_id)

    @property
    def session(self) -> Session | None:
        """Tell what another process needs to RESUME, with the newest seq received."""
        if self._session_id is None or self._seq is None or self._user_id is None:
            return None
        url = self._resume_gateway_url or self._gateway_url
        return Session(self._session_id, self._seq, url, int(self._user_id))

    @property
    def latency(self) -> float:
        """Tell how long a heartbeat takes, in seconds; NaN before the first."""
        return self.heartbeat_latency

    async def run(self) -> None:
        """Stay connected until cancelled. Raises Ended when Discord won't have this session."""
        self._handshake_event = asyncio.Event()
        alive = asyncio.create_task(self._keep_alive())
        try:
            await asyncio.wait([alive])
            await alive
            raise asyncio.CancelledError  # only that ends it; hikari swallows it
        except errors.GatewayServerClosedConnectionError as error:
            raise Ended(int(error.code or 0)) from error
        finally:
            await self._end(alive)
            self._non_priority_rate_limit.close()
            self._total_rate_limit.close()

    async def _end(self, alive: asyncio.Task[None]) -> None:
        """Cancel until it ends: hikari goes on if that comes while it ends a lost connection."""
        self._is_ending = True
        while not alive.done():
            alive.cancel()
            await asyncio.wait([alive], timeout=_CLOSES_WITHIN)
        self._forget_task(alive)

    async def join_voice(self, guild_id: int, channel_id: int | None) -> bool:
        """Send op 4; False when there is no connection to send it on."""
        if not self.is_connected:
            return False
        try:
            await self.update_voice_state(guild_id, channel_id, self_deaf=True, self_mute=False)
        except (ConnectionError, errors.HikariError, AssertionError):
            return False
        return True

    async def drop(self) -> None:
        """Break the connection as a bad network would; it resumes by itself."""
        if self._ws is not None:
            await self._ws.send_close(code=_RESUMABLE_CLOSE, message=b"")

    async def _connect(self) -> tuple[asyncio.Task[None], ...]:
        if self._is_ending:
            raise asyncio.CancelledError
        await self._gate.may_connect(resuming=self._seq is not None)
        try:
            tasks = await _leaving_nothing_open(
                super()._connect(), in_order=lambda: self._ws is None
            )
        except _Cancelled:
            raise asyncio.CancelledError from None
        except BaseException as error:
            if isinstance(error, errors.GatewayConnectionError):
                # The session's own address is gone; the gateway's common one takes a RESUME too.
                self._resume_gateway_url = None
            await self._end_lifetime()
            raise
        self._keep_session()
        return tasks

    async def _send_json(self, data: data_binding.JSONObject, *, priority: bool = False) -> None:
        self._keep_session()
        if data.get("op") == _IDENTIFY:
            await self._gate.may_identify()
        await super()._send_json(data, priority=priority)

    def _keep_session(self) -> None:
        """Make every close from here on leave the session resumable."""
        if self._ws is not None and not isinstance(self._ws, _Resumable):
            self._ws = _Resumable(self._ws)  # type: ignore[assignment]  # it speaks the same

    async def _heartbeat(self, heartbeat_interval: float) -> None:
        self._note_task()
        await super()._heartbeat(heartbeat_interval)

    async def _poll_events(self) -> None:
        self._note_task()
        await super()._poll_events()

    def _note_task(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._lifetime.add(task)
            task.add_done_callback(self._forget_task)

    def _forget_task(self, task: asyncio.Task[object]) -> None:
        """Look at how it ended: hikari does so with the first of them only."""
        self._lifetime.discard(task)
        if not task.cancelled():
            task.exception()

    async def _end_lifetime(self) -> None:
        """End the tasks of a handshake that failed, which hikari would leave running."""
        tasks = [*self._lifetime]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Cancelled(Exception):
    """A cancellation, for a coroutine that cleans up after an Exception only."""


@types.coroutine
def _leaving_nothing_open(
    work: Coroutine[Any, Any, T], *, in_order: Callable[[], bool]
) -> Generator[Any, Any, T]:
    """Wait for `work`; who cancels that while `in_order` says so raises _Cancelled in it.

    hikari leaves its client session open where it is cancelled while it connects: it closes what it
    opened after an Exception, and CancelledError is none.
    """
    wake = functools.partial[Any](work.send, None)
    while True:
        try:
            awaited = wake()
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            sent = yield awaited
        except BaseException as error:
            is_cancelled = isinstance(error, asyncio.CancelledError) and in_order()
            wake = functools.partial(work.throw, _Cancelled() if is_cancelled else error)
        else:
            wake = functools.partial(work.send, sent)


class _Resumable:
    """A transport whose closes keep the session, and are over when the connection is.

    hikari's own wait another 0.25 s, for TLS connections that an aiohttp before 3.12.6 left open;
    so long a shard that is handed over would be nobody's.
    """

    def __init__(self, inner: GatewayTransport) -> None:
        self._inner = inner
        self.receive_json = inner.receive_json
        self.send_json = inner.send_json

    async def send_close(self, *, code: int, message: bytes) -> None:
        inner = self._inner
        if inner._sent_close:
            return
        inner._sent_close = True
        kept = _RESUMABLE_CLOSE if code in _ENDING_CLOSES else code
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GREETS_WITHIN):
                    await inner._ws.close(code=kept, message=message)
        finally:
            await inner._exit_stack.aclose()


class _Events:
    """What hikari's shard takes for its event manager and factory: raw events, nothing else."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def consume_raw_event(self, name: str, shard: Connection, payload: object) -> None:
        session = shard.session
        if session is not None:
            self._sink.take(name, session.seq, session.session_id, payload)

    async def dispatch(self, _event: object, *, return_tasks: bool = False) -> None:
        return None

    def deserialize_connected_event(self, _shard: object) -> None:
        return None

    def deserialize_disconnected_event(self, _shard: object) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Link:
    """How to reach the gateway, and as whom."""

    token: Secret
    url: str
