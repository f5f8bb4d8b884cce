"""What every REST request goes through: faults, token, limits, handler, errors, record."""

import asyncio
import json
import logging
from dataclasses import dataclass

import msgspec
from aiohttp import web

from legato_simulator.attendance import Attendance
from legato_simulator.bots import Bot
from legato_simulator.faults import RestFault
from legato_simulator.json_values import Json
from legato_simulator.message_forms import Upload
from legato_simulator.problems import KNOWN, Problem
from legato_simulator.ratelimits import Grant
from legato_simulator.recorder import Exchange
from legato_simulator.rest.routes import Answer, Call, Route
from legato_simulator.simulation import Simulation

COUNTED = frozenset({401, 403, 429})
UNREADABLE = {"code": "MODEL_TYPE_CONVERT", "message": "This value is of the wrong type."}
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """What a request came to, before it is written."""

    answer: Answer
    headers: dict[str, str]
    code: int | None = None
    provoked: bool = False
    drop: bool = False


@dataclass(slots=True)
class Received:
    """A request's body, parsed."""

    body: Json | list[Json] | None
    uploads: list[Upload]
    broken: bool = False


class Endpoint:
    """Serves one route."""

    def __init__(self, sim: Simulation, attendance: Attendance, route: Route | None) -> None:
        self._sim = sim
        self._attendance = attendance
        self._route = route

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        began = self._sim.clock.monotonic()
        bot = self._caller(request)
        received = await _receive(request)
        underway = self._sim.recorder.underway
        name = f"{request.method} {self._route.template if self._route else None}"
        underway[name] += 1
        try:
            outcome = await self._decide(request, bot, received)
        finally:
            underway[name] -= 1
        self._record(request, bot, received, outcome, began)
        if outcome.drop:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        return _written(outcome)

    def _caller(self, request: web.Request) -> Bot | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._sim.bots.with_token(token) if scheme == "Bot" and token else None

    async def _decide(self, request: web.Request, bot: Bot | None, received: Received) -> Outcome:
        path = request.path.removeprefix("/api/v10").removeprefix("/api")
        fault = self._sim.faults.for_request(request.method, path)
        if fault is None:
            return await self._answer(request, bot, received)
        await asyncio.sleep(fault.delay)
        if fault.status is None and not fault.drop:
            return await self._answer(request, bot, received)
        if fault.after_effect:
            await self._answer(request, bot, received)
        return _faulty(fault)

    async def _answer(self, request: web.Request, bot: Bot | None, received: Received) -> Outcome:
        if self._sim.limits.banned(self._sim.clock.monotonic()):
            self._sim.recorder.violation(
                self._sim.clock.monotonic(), "invalid_requests", "past the limit of 10 minutes"
            )
            body = {"message": "You are being blocked from accessing our API.", "code": 0}
            return Outcome(Answer(body, 429), {"Retry-After": "600"})
        route = self._route
        if route is None:
            return Outcome(Answer({"message": "404: Not Found", "code": 0}, 404), {}, 0)
        headers: dict[str, str] = {}
        try:
            if not route.open and bot is None:
                raise Problem(0)
            grant = self._limit(request, route, bot)
            if grant is not None:
                headers = grant.headers(self._sim.clock.wall())
                if not grant.allowed:
                    return self._counted(_limited(grant, headers))
            if received.broken:
                raise Problem(50109)
            answer = await self._handle(route, self._call(request, bot, received))
        except Problem as problem:
            refused = Outcome(Answer(problem.body(), problem.status), headers, problem.code)
            return self._counted(refused)
        return Outcome(answer, headers)

    async def _handle(self, route: Route, call: Call) -> Answer:
        """Call a handler; a value of a kind that no check foresaw is the client's mistake too."""
        try:
            return await route.handler(call)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("%s %s: odd request", route.method, route.template, exc_info=error)
            raise Problem(50035, errors={"_errors": [UNREADABLE]}) from error

    def _counted(self, outcome: Outcome) -> Outcome:
        if outcome.answer.status in COUNTED:
            self._sim.limits.count_invalid(self._sim.clock.monotonic())
        return outcome

    def _limit(self, request: web.Request, route: Route, bot: Bot | None) -> Grant | None:
        if not self._sim.settings.rate_limits:
            return None
        now = self._sim.clock.monotonic()
        who = str(bot.id) if bot else request.match_info.get("webhook_id", "")
        if not route.unlimited:
            refusal = self._sim.limits.take_global(who, now)
            if refusal is not None:
                return refusal
        if route.bucket is None:
            return None
        major = request.match_info.get(route.major, "") if route.major else ""
        name = f"{route.method} {route.template}"
        return self._sim.limits.take(who, name, major, route.bucket, now)

    def _call(self, request: web.Request, bot: Bot | None, received: Received) -> Call:
        return Call(
            sim=self._sim,
            attendance=self._attendance,
            params=dict(request.match_info),
            query=dict(request.query),
            body=received.body,
            uploads=received.uploads,
            caller=bot,
        )

    def _record(
        self,
        request: web.Request,
        bot: Bot | None,
        received: Received,
        outcome: Outcome,
        began: float,
    ) -> None:
        now = self._sim.clock.monotonic()
        exchange = Exchange(
            at=now,
            bot_id=str(bot.id) if bot else None,
            method=request.method,
            path=request.path.removeprefix("/api/v10"),
            route=self._route.template if self._route else None,
            query=dict(request.query),
            content_type=request.content_type,
            request=received.body,
            status=outcome.answer.status if outcome.answer.body is not None else 204,
            code=outcome.code,
            response=outcome.answer.body,
            provoked=outcome.provoked,
            took=now - began,
        )
        self._sim.recorder.exchange(exchange)
        self._sim.feed.wake()


async def _receive(request: web.Request) -> Received:
    if not request.can_read_body:
        return Received(None, [])
    if request.content_type == "multipart/form-data":
        return await _receive_parts(request)
    raw = await request.read()
    if not raw:
        return Received(None, [])
    return _parsed(raw, [])


def _parsed(raw: bytes, uploads: list[Upload]) -> Received:
    try:
        body = json.loads(raw)
    except ValueError:
        return Received(None, uploads, broken=True)
    return Received(body, uploads, broken=not isinstance(body, dict | list))


async def _receive_parts(request: web.Request) -> Received:
    uploads: list[Upload] = []
    payload = b"{}"
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            body = await asyncio.to_thread(value.file.read)
            uploads.append(Upload(name, value.filename, value.content_type, body))
        elif name == "payload_json":
            payload = value.encode() if isinstance(value, str) else bytes(value)
    return _parsed(payload, uploads)


def _limited(grant: Grant, headers: dict[str, str]) -> Outcome:
    everywhere = grant.scope == "global"
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(grant.reset_after, 3),
        "global": everywhere,
        "code": 0,
    }
    return Outcome(Answer(body, 429), headers, 0)


def _faulty(fault: RestFault) -> Outcome:
    status = fault.status or 500
    known = KNOWN.get(fault.code)
    message = known[1] if known and fault.code else f"{status}: A fault that was asked for"
    body: Json = {"message": message, "code": fault.code}
    headers: dict[str, str] = {}
    if status == 429:
        everywhere = fault.scope == "global"
        body |= {"retry_after": fault.retry_after, "global": everywhere}
        headers = {"Retry-After": f"{fault.retry_after:.3f}", "X-RateLimit-Scope": fault.scope}
        if everywhere:
            headers["X-RateLimit-Global"] = "true"
        else:
            headers |= {
                "X-RateLimit-Limit": "1",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset-After": f"{fault.retry_after:.3f}",
                "X-RateLimit-Bucket": "fault",
            }
    return Outcome(Answer(body, status), headers, fault.code, provoked=True, drop=fault.drop)


def _written(outcome: Outcome) -> web.Response:
    answer = outcome.answer
    headers = {"Via": "1.1 legato_simulator"} | outcome.headers
    if answer.body is None:
        return web.Response(status=204, headers=headers)
    return web.Response(
        status=answer.status,
        body=msgspec.json.encode(answer.body),
        content_type="application/json",
        headers=headers,
    )
