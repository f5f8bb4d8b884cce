"""Fixtures and hooks of the suite: one server for all cases, one table at the end."""

import os
from collections.abc import AsyncIterator, Generator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from conformance import embedded, report, surroundings
from conformance.client import Client, Connect
from conformance.differences import DIFFERENCES, Differs, Way
from conformance.guild import PERSON, Guild
from conformance.known import KNOWN
from conformance.server import Notes, Server
from conformance.settings import Settings, load
from conformance.surroundings import Surroundings, fresh_id
from conformance.waiting import Patience

FOLDER = Path(__file__).parent


@dataclass
class Run:
    """What a run gathers for its report."""

    settings: Settings
    notes: Notes = field(default_factory=Notes)
    cases: list[report.Case] = field(default_factory=list)
    server: str = "no server"


RUN = pytest.StashKey[Run]()


def _run(config: pytest.Config) -> Run:
    if RUN not in config.stash:
        config.stash[RUN] = Run(load(os.environ))
    return config.stash[RUN]


# Fixtures: the server and its surroundings once, clients and guilds for each case.


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def around(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Surroundings]:
    scratch = tmp_path_factory.mktemp("conformance")
    async with surroundings.running(_run(request.config).settings, scratch) as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def server(
    request: pytest.FixtureRequest,
    around: Surroundings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Server]:
    run = _run(request.config)
    async with AsyncExitStack() as stack:
        target = run.settings.target
        if target is None:
            scratch = tmp_path_factory.mktemp("node")
            target = await stack.enter_async_context(embedded.running(around, scratch))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        found = Server(target, http, run.notes, Patience(run.settings.patience))
        kind = "the embedded node" if run.settings.target is None else "the server"
        run.server = f"{kind} {await _version(found)}"
        yield found


async def _version(server: Server) -> str:
    """Ask for the version, which may be lacking; end the run where nothing answers."""
    try:
        answer = await server.get("/version")
    except (aiohttp.ClientError, TimeoutError) as error:
        pytest.exit(f"{server.target.url} does not answer: {error}", returncode=2)
    return answer.body.decode(errors="replace").strip()[:80] if answer.status == 200 else "?"


@pytest_asyncio.fixture(loop_scope="package")
async def connect(server: Server) -> AsyncIterator[Connect]:
    """Open websockets that are closed, and were well-formed, at the end."""
    opened: list[Client] = []
    own = fresh_id()

    async def connect(session: str | None = None, user: int | None = None) -> Client:
        client = await Client.connect(server, user or own, session)
        opened.append(client)
        return client

    yield connect
    for client in opened:
        await client.close()
    assert [fault for client in opened for fault in client.faults] == []


@pytest_asyncio.fixture(loop_scope="package")
async def client(connect: Connect) -> Client:
    return await connect()


@pytest_asyncio.fixture(loop_scope="package")
async def guild(client: Client, around: Surroundings) -> AsyncIterator[Guild]:
    made = Guild.made(client, around)
    yield made
    await around.voice.announce(made.id, PERSON, None)


@pytest.fixture
def differs(request: pytest.FixtureRequest) -> Differs:
    """Say which way the server went where two are known."""
    ways = _run(request.config).notes.ways

    def differs(name: str, way: Way) -> None:
        assert name in DIFFERENCES
        ways.setdefault(name, set()).add(way)

    return differs


# Hooks: every case cites, the known lacks are told apart, and a table comes at the end.


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "documented(sentence, source): what the case checks")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    scope = pytest.mark.asyncio(loop_scope="package")
    for item in items:
        if item.path.parent != FOLDER:
            continue
        if item.get_closest_marker("documented") is None:
            raise pytest.UsageError(f"{item.nodeid} cites no sentence")
        if pytest_asyncio.is_async_test(item):
            item.add_marker(scope, append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    outcome = yield
    if outcome.when == "call" or outcome.failed or outcome.skipped:
        _note(item, outcome)
    return outcome


def _note(item: pytest.Item, outcome: pytest.TestReport) -> None:
    """Keep what came of a case; a known lack counts as passed, a mended one as failed."""
    run = _run(item.config)
    name = f"{item.path.name}::{item.name}"
    mark = item.get_closest_marker("documented")
    sentence, source = mark.args if mark else ("", "")
    known = KNOWN.get(name) if run.settings.target is None else None
    why = known or _words(outcome)
    said: report.Outcome = "passed" if outcome.passed else "lacks"
    if outcome.skipped:
        said, why = "skipped", str(outcome.longrepr)
    elif known and outcome.when == "call" and outcome.failed:
        outcome.outcome, outcome.longrepr = "passed", None
    elif known and outcome.passed:
        outcome.outcome, outcome.longrepr = "failed", f"take {name} out of known.py: it passes"
    item.user_properties += [("documented", sentence), ("source", source), ("result", said)]
    run.cases.append(report.Case(name, said, sentence, source, "" if said == "passed" else why))


def _words(outcome: pytest.TestReport) -> str:
    """Say in a line why a case failed."""
    crash = getattr(outcome.longrepr, "reprcrash", None)
    text = getattr(crash, "message", None) or str(outcome.longrepr or "")
    return text.strip().partition("\n")[0][:200]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    run = _run(config)
    if not run.cases:
        return
    notes = run.notes
    text = report.markdown(
        run.server, run.cases, DIFFERENCES, notes.ways, notes.undocumented, notes.met
    )
    target = config.rootpath / "artifacts" / "conformance.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text)
    terminalreporter.section("conformance")
    terminalreporter.write(text)
