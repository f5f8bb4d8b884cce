import http.server
import io
import json
import logging
import threading

import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from legato import telemetry
from legato.settings import Common, Secret


@pytest.fixture
def log():
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    telemetry.set_up(Common(member="me"), stream=stream)
    yield stream
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_line_is_json_with_service_member_and_trace(log):
    tracing = telemetry.Tracing("gateway", Common(member="me"))
    with telemetry.speaking_for("gateway", "me"), tracing.span("play"):
        telemetry.logger("legato.x").info("played", guild_id=1)
        logging.getLogger("some.library").warning("beware of %s", "this")

    ours, theirs = lines(log)
    assert ours["event"] == "played"
    assert (ours["service"], ours["member"], ours["guild_id"]) == ("gateway", "me", 1)
    assert len(ours["trace_id"]) == 32
    assert theirs["event"] == "beware of this"
    assert theirs["trace_id"] == ours["trace_id"]


def test_no_secret_reaches_the_log(log):
    # Shaped like a token, and of no bot.
    token = ".".join(("M" * 26, "G" * 6, "a" * 38))
    telemetry.logger("x").info(
        f"login with {token}",
        password="hunter2",
        url="redis://user:hunter2@host/0",
        header="Bearer abcdefghijklmnop",
        kept=Secret("hunter2"),
        path="/api/v10/interactions/123/hunter2token/callback",
    )

    text = log.getvalue()
    assert "hunter2" not in text
    assert token not in text
    assert "abcdefghijkl" not in text


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_secret_in_a_traceback_or_deep_in_a_value_is_blotted_out(log, form):
    telemetry.set_up(Common(member="me", log_format=form), stream=log)
    try:
        raise ConnectionError("postgresql://legato:hunter2@db")
    except ConnectionError:
        telemetry.logger("x").exception("failed", seen=[{"url": "redis://:hunter2@host/0"}])

    assert "hunter2" not in log.getvalue()
    assert "ConnectionError" in log.getvalue()


def test_blotting_out_leaves_the_line_readable(log):
    telemetry.logger("x").info("bot restarted", a="http://host", b="x:y@z", c=[1, {"d": None}])

    (line,) = lines(log)
    assert line["event"] == "bot restarted"
    assert (line["a"], line["b"], line["c"]) == ("http://host", "x:y@z", [1, {"d": None}])


def test_a_trace_goes_on_where_a_message_took_it():
    sent, taken = InMemorySpanExporter(), InMemorySpanExporter()
    gateway = telemetry.Tracing("gateway", Common(member="a"), exporter=sent)
    audio = telemetry.Tracing("audio", Common(member="b"), exporter=taken)
    with gateway.span("interaction"):
        parent = telemetry.traceparent()
    with audio.span("play", parent=parent, attributes={"guild_id": 1}):
        pass
    gateway.close()
    audio.close()

    (first,), (second,) = sent.get_finished_spans(), taken.get_finished_spans()
    assert second.context.trace_id == first.context.trace_id
    assert second.parent.span_id == first.context.span_id


def test_a_trace_goes_on_though_its_spans_go_nowhere():
    gateway = telemetry.Tracing("gateway", Common(member="a"))
    audio = telemetry.Tracing("audio", Common(member="b"))
    with gateway.span("interaction"):
        first = telemetry.traceparent()
        with gateway.span("reply"):
            second = telemetry.traceparent()
    with audio.span("play", parent=first):
        third = telemetry.traceparent()

    assert telemetry.same_trace(first, second)
    assert telemetry.same_trace(first, third)
    assert len({first, second, third}) == 3
    assert telemetry.traceparent() == ""


def test_spans_go_to_the_endpoint_that_is_set():
    bodies = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}"
        tracing = telemetry.Tracing("api", Common(otel_exporter_otlp_endpoint=address))
        with tracing.span("GET /player"):
            pass
        tracing.close()
        server.shutdown()

    ((path, body),) = bodies
    assert path == "/v1/traces"
    assert b"legato-api" in body


def test_without_a_span_there_is_no_traceparent():
    assert telemetry.traceparent() == ""


def test_what_warns_again_and_again_is_said_a_few_times_and_news_always(log):
    for number in range(100):
        telemetry.logger("x").warning("redis is away", partition=number)
        telemetry.logger("x").info("track started", guild=number)
    with telemetry.speaking_for("api", "me"):
        telemetry.logger("x").warning("redis is away")

    said = [(line["event"], line.get("service")) for line in lines(log)]
    assert said.count(("redis is away", None)) == 5
    assert said.count(("redis is away", "api")) == 1
    assert said.count(("track started", None)) == 100
