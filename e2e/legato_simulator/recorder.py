"""The oracle: what the bots asked, what they were answered, and which rules they broke. No I/O."""

from collections import Counter, deque
from collections.abc import Callable

from msgspec import Struct

from legato_simulator.json_values import Json


class Exchange(Struct, frozen=True, kw_only=True):
    """One REST request and its answer; tokens are not kept."""

    at: float
    bot_id: str | None
    method: str
    path: str
    route: str | None
    """The route's template as in Discord's OpenAPI file, None where there is no such route."""
    query: dict[str, str]
    content_type: str
    request: Json | list[Json] | None
    status: int
    code: int | None
    """Discord's error code in the answer."""
    response: Json | list[Json] | None
    provoked: bool
    """Whether a fault that a script asked for made this answer."""
    took: float


class GatewayPayload(Struct, frozen=True, kw_only=True):
    """One payload a client sent on the gateway."""

    at: float
    bot_id: str | None
    session_id: str | None
    shard: tuple[int, int] | None
    op: int
    data: Json | int | None


class Violation(Struct, frozen=True, kw_only=True):
    """One rule of Discord's that a client broke."""

    at: float
    kind: str
    detail: str


class SessionEvent(Struct, frozen=True, kw_only=True):
    """Something that became of a gateway session or connection."""

    at: float
    kind: str
    session_id: str | None
    shard: tuple[int, int] | None
    detail: str


class Recorder:
    """Keeps all of it, the oldest dropped first; counts are never dropped."""

    def __init__(self, keep: int) -> None:
        self.exchanges: deque[Exchange] = deque(maxlen=keep)
        self.payloads: deque[GatewayPayload] = deque(maxlen=keep)
        self.session_events: deque[SessionEvent] = deque(maxlen=keep)
        self.violations: list[Violation] = []
        self.schema_problems: list[str] = []
        self.routes: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        """What became of sessions, by kind."""
        self.refusals: Counter[str] = Counter()
        """401, 403 and 429 answers that no fault provoked, by "status route"."""
        self.underway: Counter[str] = Counter()
        """REST requests that are being served now, by "method route"."""
        self.observers: list[Callable[[Exchange], None]] = []

    def exchange(self, exchange: Exchange) -> None:
        """Note a request with its answer."""
        self.exchanges.append(exchange)
        self.routes[f"{exchange.method} {exchange.route}"] += 1
        if exchange.status in {401, 403, 429} and not exchange.provoked:
            self.refusals[f"{exchange.status} {exchange.method} {exchange.route}"] += 1
        for observer in self.observers:
            observer(exchange)

    def payload(self, payload: GatewayPayload) -> None:
        """Note what a client sent on the gateway."""
        self.payloads.append(payload)

    def session(self, event: SessionEvent) -> None:
        """Note what became of a session."""
        self.session_events.append(event)
        self.kinds[event.kind] += 1

    def violation(self, at: float, kind: str, detail: str) -> None:
        """Note a broken rule."""
        self.violations.append(Violation(at=at, kind=kind, detail=detail))

    def clear(self) -> None:
        """Start anew, for the next test."""
        self.exchanges.clear()
        self.payloads.clear()
        self.session_events.clear()
        self.violations.clear()
        self.schema_problems.clear()
        self.refusals.clear()
        self.routes.clear()
        self.kinds.clear()
