"""`legato doctor`: looks at each setting and dependency, and says how to mend what is wrong.

It changes nothing. Where neither a database nor a Redis is named it looks at what `legato up`
would use on this machine.
"""

import asyncio
import dataclasses
import functools
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import Literal

from legato import asked_health, redis, settings, together, unknown_settings, up
from legato.embedded import application, folder, parts, ports, postgres, running, valkey
from legato.embedded.options import Options
from legato.embedded.problems import Problem
from legato.errors import Unavailable
from legato.overview import FRESH, NodeRow, Overview
from legato.settings import Secret

State = Literal["ok", "note", "wrong"]
TIMEOUT = 5.0
"""Seconds that one dependency may take to answer."""
ELSEWHERE = "If one runs on another folder, set LEGATO_DATA to that"
OF_SERVICES = ("DATABASE_URL", "REDIS_URL", "DISCORD_TOKEN", "DISCORD_APPLICATION_ID")
"""Where all of these are named, services may be meant to run without `legato up`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one thing, and what to do about it."""

    name: str
    state: State
    text: str
    remedy: str = ""


async def examine(
    environ: Mapping[str, str], *, own: Collection[str] = ()
) -> AsyncIterator[Finding]:
    """Look at everything, one after another; `own` are the names that our own file sets."""
    yield _python()
    for finding in _unknown(environ, own):
        yield finding
    known = running.completed(environ)
    for finding in _settings(known):
        yield finding
    try:
        options = settings.load(Options, known)
    except settings.WrongSettings:
        yield Finding("the rest", "note", "not looked at before these settings are mended")
        return
    if not (environ.get("DATABASE_URL") and environ.get("REDIS_URL")):
        for finding in _data_folder(options, environ):
            yield finding
    yield await _guarded("PostgreSQL", lambda: _database(options))
    yield await _guarded("Redis", lambda: _redis(options))
    yield await _guarded("Discord", lambda: _discord(options))
    yield await _guarded("Lavalink", lambda: _lavalink(options))
    for name, port in _pages(options, running.beside(environ)).items():
        yield await _guarded(name, functools.partial(_service, name, port))
    for finding in await _nodes(known):
        yield finding


def exit_code(findings: Iterable[Finding]) -> int:
    """Say 1 when anything is wrong, else 0."""
    return int(any(finding.state == "wrong" for finding in findings))


def _python() -> Finding:
    return Finding("Python", "ok", sys.version.split()[0])


def _faults(error: settings.WrongSettings) -> Iterable[Finding]:
    for fault in error.faults:
        yield Finding(fault.name, "wrong", fault.problem, fault.remedy)


def _settings(environ: Mapping[str, str]) -> Iterable[Finding]:
    """Read what `legato up` will; and what each service alone will, where all is named for it."""
    loads: list[Callable[[Mapping[str, str]], object]] = [up.load]
    if all(environ.get(name) or environ.get(f"{name}_FILE") for name in OF_SERVICES):
        loads.append(functools.partial(together.load, parts.SERVICES))
    wrong: list[settings.WrongSettings] = []
    for load in loads:
        try:
            load(environ)
        except settings.WrongSettings as error:
            wrong.append(error)
    if wrong:
        return _faults(settings.WrongSettings.merged(wrong))
    return [Finding("settings", "ok", "every part can read its own")]


def _unknown(environ: Mapping[str, str], own: Collection[str]) -> Iterable[Finding]:
    """Tell of names that nothing reads, where they were probably meant for us."""
    known = {
        field.upper() for field in (*Options.__struct_fields__, *running.Reach.__struct_fields__)
    }
    known |= together.names_of_settings((*parts.SERVICES, "node"))
    for one in unknown_settings.find(environ, known, own=own):
        remedy = f"Did you mean {one.meant}?" if one.meant else "docs/settings.md lists them all"
        yield Finding(one.name, "note", "is no setting", remedy)


def _data_folder(options: Options, environ: Mapping[str, str]) -> Iterable[Finding]:
    path = folder.chosen(options.legato_data, environ)
    if running.is_running(path):
        yield Finding("data folder", "ok", f"{path}, in use by a running `legato up`")
        return
    if not path.exists():
        remedy = f"legato up makes it. {ELSEWHERE}"
        yield Finding("data folder", "note", f"{path} is not there yet", remedy)
        return
    try:
        with folder.opened(path):
            free = shutil.disk_usage(path).free // 2**20
    except Problem as problem:
        yield Finding("data folder", "wrong", str(problem))
    else:
        text = f"{path}, {free} MB free; no `legato up` runs on it"
        yield Finding("data folder", "ok", text, ELSEWHERE)


async def _database(options: Options) -> Finding:
    if options.database_url is None:
        return _embedded("PostgreSQL", postgres.installed, "DATABASE_URL")
    from legato.store import schema  # noqa: PLC0415  (slow to import, and only needed here)
    from legato.store.database import Database  # noqa: PLC0415
    from legato.store.settings import StoreSettings  # noqa: PLC0415

    database = Database(StoreSettings(database_url=options.database_url))
    try:
        version = await database.check().probe()
        problem = schema.judge(await schema.current(database))
    finally:
        await database.close()
    if problem:
        return Finding("PostgreSQL", "wrong", f"{version}: {problem}", "Run: legato migrate")
    return Finding("PostgreSQL", "ok", f"{version}, its schema fits")


async def _redis(options: Options) -> Finding:
    if options.redis_url is None:
        return _embedded("Valkey", lambda: str(valkey.newest()), "REDIS_URL")
    client = redis.connect(options.redis_url)
    try:
        with redis.reaching(""):
            server = await client.info("server")
            persistence = await client.info("persistence")
    finally:
        await client.aclose()
    version = server.get("valkey_version") or server.get("redis_version")
    if not persistence.get("aof_enabled"):
        return Finding(
            "Redis", "note", f"{version}, not append-only: a crash of it loses commands",
            "Set appendonly yes in its configuration",
        )  # fmt: skip
    return Finding("Redis", "ok", f"{version}, append-only")


async def _discord(options: Options) -> Finding:
    if options.discord_token is None:
        return Finding(
            "Discord", "note", "no token, so `legato up` starts the simulator",
            "Set DISCORD_TOKEN, or DISCORD_TOKEN_FILE, to serve Discord",
        )  # fmt: skip
    found = await asyncio.to_thread(
        application.ask, options.discord_token, rest_url=options.discord_rest_url or ""
    )
    bot = f"{found.name} ({found.id})"
    if _is_simulated(options):
        return Finding("Discord", "ok", f"the simulator's bot {bot}; Discord itself with a token")
    return Finding("Discord", "ok", f"the token is of {bot}")


def _is_simulated(options: Options) -> bool:
    return options.discord_rest_url is not None


async def _lavalink(options: Options) -> Finding:
    if options.lavalink_url is None:
        text = "embedded nodes play, encrypted end-to-end (LAVALINK_URL names another)"
        return Finding("Lavalink", "ok", text)
    password = options.lavalink_password or Secret("")
    version = await asyncio.to_thread(_lavalink_version, options.lavalink_url, password)
    if not version.startswith("4"):
        return Finding("Lavalink", "wrong", f"version {version}", "Use Lavalink 4.2 or newer")
    return Finding("Lavalink", "ok", version)


def _lavalink_version(url: str, password: Secret) -> str:
    request = urllib.request.Request(  # noqa: S310 (the scheme is checked by the settings)
        f"{url.rstrip('/')}/version", headers={"Authorization": password.reveal()}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            return str(answer.read(200).decode())
    except urllib.error.HTTPError as error:
        with error:
            hint = "check LAVALINK_PASSWORD" if error.code in (401, 403) else "is it a Lavalink?"
            raise Unavailable("lavalink", f"it answers {error.code}; {hint}") from None


def _pages(options: Options, told: running.Told | None) -> dict[str, int]:
    """Say where each service's pages are: as a running Legato tells, else as usual."""
    if told is not None and told.health:
        return told.health
    usual = parts.HEALTH_PORTS.items()
    return {name: getattr(options, f"{name}_port") or default for name, default in usual}


async def _nodes(environ: Mapping[str, str]) -> list[Finding]:
    """Say of each node what audio workers see of it; nothing where none runs."""
    try:
        reach = settings.load(running.Reach, environ)
    except settings.WrongSettings:
        return []  # told already
    if reach.redis_url is None or reach.discord_application_id is None:
        return []
    client = redis.connect(reach.redis_url, ca_file=reach.redis_ca_file)
    try:
        async with asyncio.timeout(TIMEOUT):
            overview = Overview(client, bot=reach.discord_application_id)
            oldest = await overview.now() - FRESH / timedelta(milliseconds=1)
            if not any(
                row.component == "audio" and row.seen >= oldest for row in await overview.members()
            ):
                return []
            return [_node(row) for row in await overview.nodes() if row.wanted]
    except (Unavailable, TimeoutError):
        return []  # told by the look at Redis itself
    finally:
        await client.aclose()


def _node(row: NodeRow) -> Finding:
    players = f"{row.players} players, {row.playing} of them playing"
    if not row.connected and row.players:
        return Finding(row.name, "wrong", f"no audio worker reaches it at {row.url}; {players}",
                       "Does it run, and is its log quiet?")  # fmt: skip
    if row.draining or row.cordoned:
        how = "drained: its players go elsewhere" if row.draining else "cordoned: no new players"
        return Finding(row.name, "note", f"{how}; {players}", f"legato nodes uncordon {row.name}")
    if not row.connected:
        return Finding(row.name, "ok", "no players, so that no audio worker is connected to it")
    return Finding(row.name, "ok", f"reached; {players}")


async def _service(name: str, port: int) -> Finding:
    if ports.is_free(port):
        return Finding(name, "note", f"does not run here (nothing listens on port {port})")
    url = f"http://{ports.LOOPBACK}:{port}/health"
    found = await asyncio.to_thread(asked_health.ask, url)
    if found.status == "healthy":
        return Finding(name, "ok", f"healthy on port {port}")
    told = " ".join((f"{found.status} on port {port}.", *found.away))
    return Finding(name, "note" if found.status == "degraded" else "wrong", told, f"Look at {url}")


def _embedded(name: str, find: Callable[[], str], variable: str) -> Finding:
    try:
        found = find()
    except Problem as problem:
        return Finding(name, "wrong", str(problem))
    return Finding(name, "ok", f"embedded, from {found} (set {variable} for one of your own)")


async def _guarded(name: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    """Turn what a dependency's absence raises into a finding."""
    try:
        async with asyncio.timeout(3 * TIMEOUT):
            return await look()
    except Problem as error:
        # Its sentence says already what to do.
        return Finding(name, "wrong", str(error))
    except Unavailable as error:
        text = error.why or "it is unavailable"
        return Finding(name, "wrong", text, "Is it running, and is its address right?")
    except (OSError, TimeoutError) as error:
        return Finding(name, "wrong", f"no answer: {error or type(error).__name__}",
                       "Is it running, and is its address right?")  # fmt: skip
