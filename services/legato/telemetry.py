"""Logs and traces: JSON lines on stderr that carry trace ids, and OpenTelemetry spans.

Knows no service. Secrets are taken out of every line, whoever wrote it.
"""

import contextvars
import logging
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TextIO

import msgspec
import structlog
from opentelemetry import context as trace_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from legato.repeats import Repeats
from legato.settings import Common

_SECRET_NAMES = re.compile(
    r"token|password|passwd|secret|authorization|api_?key|cookie", re.IGNORECASE
)
_SECRET_TEXTS = (
    # A Discord bot token: https://discord.com/developers/docs/reference#authentication
    (re.compile(r"[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"), "…"),
    # Interaction and webhook tokens stand in paths.
    (re.compile(r"/(webhooks|interactions)/(\d+)/[^/\s?\"']+"), r"/\1/\2/…"),
    (re.compile(r"(://[^:/@\s\"']*):[^@/\s\"']+@"), r"\1:…@"),
    (re.compile(r"(?i)\b(bearer|basic) [\w.~+/=-]{16,}"), r"\1 …"),
    (re.compile(r"\blegato_[A-Za-z0-9]{8,}_[A-Za-z0-9_-]{16,}"), "legato_…"),
)
_LIMITED = frozenset({"warning", "error", "exception"})
_TRACEPARENT = "traceparent"
_SAMPLED = trace.TraceFlags.SAMPLED
_propagator = TraceContextTextMapPropagator()
_make_ids = RandomIdGenerator()


def set_up(settings: Common, *, stream: TextIO = sys.stderr) -> None:
    """Send this process's log, libraries' included, to one stream in one form."""
    shared = _shared_processors()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _without_repeats(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(settings.log_format, stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    # These say at INFO what we say better ourselves, or with every request.
    for chatty in ("httpx", "httpcore", "uvicorn", "alembic", "opentelemetry"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


def logger(name: str) -> FilteringBoundLogger:
    """Return a logger; the service and member it speaks for come from `speaking_for`."""
    bound: FilteringBoundLogger = structlog.get_logger(name)
    return bound


@contextmanager
def speaking_for(service: str, member: str) -> Iterator[None]:
    """Name the service and member in every line logged inside, and in tasks started inside."""
    with structlog.contextvars.bound_contextvars(service=service, member=member):
        yield


def _exporter(endpoint: str) -> SpanExporter:
    # Slow to import, and only needed where spans go out.
    from opentelemetry.exporter.otlp.proto.http import trace_exporter  # noqa: PLC0415

    address = f"{endpoint.rstrip('/')}/v1/traces"
    return trace_exporter.OTLPSpanExporter(endpoint=address, timeout=4)


class Tracing:
    """One service's spans; they have ids in any case, and go out where an endpoint is set.

    Without one a span is its ids alone: the library's own costs ten times as much.
    """

    def __init__(
        self, service: str, settings: Common, *, exporter: SpanExporter | None = None
    ) -> None:
        resource = Resource.create(
            {"service.name": f"legato-{service}", "service.instance.id": settings.member}
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        if exporter is None and settings.otel_exporter_otlp_endpoint:
            exporter = _exporter(settings.otel_exporter_otlp_endpoint)
        if exporter is not None:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._goes_out = exporter is not None
        self._tracer = self._provider.get_tracer("legato")

    @contextmanager
    def span(
        self, name: str, *, parent: str = "", attributes: Mapping[str, str | int] | None = None
    ) -> Iterator[trace.Span]:
        """Open a span inside; `parent` is a W3C traceparent that came with a message."""
        context = _propagator.extract({_TRACEPARENT: parent}) if parent else None
        with self._open(name, context, attributes) as span:
            try:
                yield span
            except Exception as error:
                why = without_secrets(f"{type(error).__name__}: {error}")
                span.set_status(trace.StatusCode.ERROR, why)
                raise

    def _open(
        self,
        name: str,
        context: trace_context.Context | None,
        attributes: Mapping[str, str | int] | None,
    ) -> AbstractContextManager[trace.Span]:
        if not self._goes_out:
            span = trace.NonRecordingSpan(_ids(trace.get_current_span(context)))
            return trace.use_span(span, record_exception=False, set_status_on_exception=False)
        return self._tracer.start_as_current_span(
            name,
            context=context,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        )

    def close(self) -> None:
        """Send what is left; blocks for at most a few seconds."""
        self._provider.shutdown()


def _ids(parent: trace.Span) -> trace.SpanContext:
    """Make a new span's ids, in its parent's trace if it has one."""
    above = parent.get_span_context()
    return trace.SpanContext(
        above.trace_id if above.is_valid else _make_ids.generate_trace_id(),
        _make_ids.generate_span_id(),
        is_remote=False,
        trace_flags=above.trace_flags if above.is_valid else trace.TraceFlags(_SAMPLED),
    )


def traceparent() -> str:
    """Return the current span as W3C traceparent, to travel with a message; "" without one."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(_TRACEPARENT, "")


def same_trace(one: str, other: str) -> bool:
    """Say whether two W3C traceparents are of one trace."""
    return bool(one) and one.split("-")[1:2] == other.split("-")[1:2]


def without_span() -> contextvars.Context:
    """Copy the context without its span, for work that outlives it."""
    copy = contextvars.copy_context()
    copy.run(trace_context.attach, trace_context.Context())
    return copy


def trace_id() -> str:
    """Return the current trace's id, as logs show it; "" without one."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def without_secrets(value: str) -> str:
    """Blot out what looks like a secret."""
    for pattern, instead in _SECRET_TEXTS:
        value = pattern.sub(instead, value)
    return value


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _add_trace,
    ]


def _without_repeats() -> Processor:
    """Leave out what warns again and again, as in an outage; the next line says how often."""
    repeats = Repeats()

    def look(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        if name in _LIMITED:
            line = (event.get("service"), logger.name, name, event["event"])
            left_out = repeats.admit(line, now=time.monotonic())
            if left_out is None:
                raise structlog.DropEvent
            if left_out:
                event["left_out"] = left_out
        return event

    return look


def _renderers(form: str, stream: TextIO) -> list[Processor]:
    console = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(),
        timestamp_key="time",
        exception_formatter=structlog.dev.plain_traceback,
    )

    def render(logger: WrappedLogger, name: str, event: EventDict) -> str:
        line = console(logger, name, event) if form == "console" else _json(event)
        return without_secrets(line)

    return [structlog.processors.format_exc_info, _hide_secrets, render]


def _json(event: EventDict) -> str:
    ordered = {key: event.pop(key) for key in ("time", "level", "service", "event") if key in event}
    return msgspec.json.encode({**ordered, **event}, enc_hook=str).decode()


def _add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for key in event:
        if _SECRET_NAMES.search(key):
            event[key] = "…"
    return event
