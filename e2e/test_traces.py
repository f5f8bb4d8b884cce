"""One trace from the interaction over the player to the node, and back to the answer."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from legato.embedded import ports
from legato_machine.conditions import until
from legato_machine.machine import Machine

PATCH = "node PATCH /v4/sessions/…/players/…"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Span:
    """What a service told of one piece of work."""

    service: str
    name: str
    trace: str
    id: str
    parent: str


@dataclass
class Collector:
    """The little of OTLP over HTTP that takes traces."""

    spans: list[Span] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        """Keep what one request brings."""
        self.raw.append(body)
        for of_service in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {each.key: each.value.string_value for each in of_service.resource.attributes}
            for scope in of_service.scope_spans:
                for span in scope.spans:
                    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    self.spans.append(Span(about["service.name"], span.name, *ids))

    def named(self, name: str, trace: str = "") -> list[Span]:
        """List the spans of one name, of one trace where it is given."""
        return [s for s in self.spans if s.name == name and trace in {"", s.trace}]

    @property
    def is_whole(self) -> bool:
        """Say whether every span's parent came too."""
        return {span.parent for span in self.spans} <= {"", *(span.id for span in self.spans)}

    def way(self, span: Span) -> list[str]:
        """Name a span and all it came from, the first last."""
        by_id = {each.id: each for each in self.spans if each.trace == span.trace}
        names = [span.name]
        while span.parent:
            span = by_id[span.parent]
            names.append(span.name)
        return names


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[Collector, int]]:
    """Listen for traces on a port of its own."""
    found, port = Collector(), ports.free()

    class Taking(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer((ports.LOOPBACK, port), Taking)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found, port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def settings(collector: tuple[Collector, int]) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{ports.LOOPBACK}:{collector[1]}"}


async def test_one_trace_holds_the_way_of_a_command_and_of_its_answer(
    stage: Machine, collector: tuple[Collector, int]
) -> None:
    found, _ = collector
    room = await stage.room("is traced")
    await room.play("tone-1-60s.ogg")
    await room.hears(1)

    async def traced() -> bool:
        names = {span.name for span in found.spans}
        return names >= {"interaction", "reply", PATCH} and found.is_whole

    await until(traced, what="the spans", timeout=20)
    (asked,) = found.named("interaction")
    (reply,) = found.named("reply")
    (load,) = found.named("node GET /v4/loadtracks", asked.trace)
    patches = found.named(PATCH, asked.trace)
    assert found.way(load) == [
        "node GET /v4/loadtracks",
        "effect Resolve",
        "step playback.play.v1",
        "interaction",
    ]
    assert patches
    assert found.named("join voice", asked.trace)
    assert {found.way(patch)[-1] for patch in patches} == {"interaction"}
    assert found.way(reply)[1] == "effect Tell"
    assert found.way(reply)[-1] == "interaction"
    services = {span.service for span in found.spans if span.trace == asked.trace}
    assert services == {"legato-gateway", "legato-audio"}


async def test_no_secret_goes_out_with_a_trace(
    stage: Machine, collector: tuple[Collector, int]
) -> None:
    found, _ = collector
    async with stage.redis() as redis:
        sessions = [
            value
            async for key in redis.scan_iter("*:session")
            for value in [str(await redis.hget(key, "session_id"))]
        ]
    tokens = {_token(exchange.path) for exchange in await stage.discord.exchanges()} - {""}
    secrets = [
        *stage.simulated.tokens,
        stage.folder.secret("node"),
        stage.folder.secret("valkey"),
        stage.folder.secret("postgres"),
        *sessions,
        *tokens,
    ]
    sent = b"".join(found.raw)

    assert (len(sessions), len(tokens)) == (1, 1)
    assert [secret for secret in secrets if secret.encode() in sent] == []


def _token(path: str) -> str:
    """Take an interaction's token out of a path of Discord's."""
    parts = path.split("/")
    return parts[parts.index("interactions") + 2] if "interactions" in parts else ""
