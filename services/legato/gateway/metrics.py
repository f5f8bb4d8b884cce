"""The gateway's metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_ANSWER_BUCKETS = (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)


class Events:
    """What comes from Discord's gateway, and goes on to Redis."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "legato_gateway_events", "Gateway events taken", ["event"], registry=registry
        )
        self.malformed = Counter(
            "legato_gateway_malformed_events",
            "Events whose shape was not Discord's",
            ["event"],
            registry=registry,
        )
        self.waiting = Gauge(
            "legato_gateway_unacknowledged_events",
            "Events taken and not yet written",
            ["shard"],
            registry=registry,
        )
        self.overflows = Counter(
            "legato_gateway_overflows",
            "Connections broken, to be resumed, because too many events waited for Redis",
            registry=registry,
        )
        self.actions = Counter(
            "legato_gateway_actions", "Actions done for players", ["action"], registry=registry
        )


class Answers:
    """What becomes of interactions."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.interactions = Counter(
            "legato_gateway_interactions", "Interactions", ["kind", "command"], registry=registry
        )
        self.answer_seconds = Histogram(
            "legato_gateway_answer_seconds",
            "From an interaction's arrival to its answer",
            ["how"],
            buckets=_ANSWER_BUCKETS,
            registry=registry,
        )
        self.deferred = Counter(
            "legato_gateway_deferred_interactions",
            "Interactions not answered in time for a direct answer",
            registry=registry,
        )
        self.shed = Counter(
            "legato_gateway_shed_interactions",
            "Interactions deferred at once, or refused, because too many waited for an answer",
            ["how"],
            registry=registry,
        )
        for way in ("defer", "refuse"):
            self.shed.labels(way)  # there from the start, so that its first increase is one
        self.unheard = Gauge(
            "legato_gateway_unheard_interactions",
            "Interactions that wait for a first answer",
            registry=registry,
        )
        self.underway = Gauge(
            "legato_gateway_underway_commands",
            "Commands on their way to players, those with it that wait for Redis",
            registry=registry,
        )
        self.too_late = Counter(
            "legato_gateway_too_late_answers",
            "Answers that Discord took no more",
            registry=registry,
        )
        self.refused = Counter(
            "legato_gateway_refused_commands", "Refusals by reason", ["reason"], registry=registry
        )
        self.discord_errors = Counter(
            "legato_gateway_discord_errors", "Errors from REST", ["status"], registry=registry
        )
        self.panel_writes = Counter(
            "legato_gateway_panel_writes", "Panel messages written", ["how"], registry=registry
        )


class Connections:
    """The gateway sessions held."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.shards = Gauge("legato_gateway_shards", "Shards held", registry=registry)
        self.connected = Gauge(
            "legato_gateway_connected_shards", "Shards with a live session", registry=registry
        )
        self.guilds = Gauge("legato_gateway_guilds", "Guilds of the shards held", registry=registry)
        self.resumes = Counter("legato_gateway_resumes", "Sessions resumed", registry=registry)
        self.identifies = Counter("legato_gateway_identifies", "IDENTIFYs sent", registry=registry)
        self.remaining_identifies = Gauge(
            "legato_gateway_remaining_identifies", "IDENTIFYs left today", registry=registry
        )
        self.heartbeat_seconds = Gauge(
            "legato_gateway_heartbeat_seconds", "Round trip", ["shard"], registry=registry
        )


class Metrics(Events, Answers, Connections):
    """Everything the gateway counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        Events.__init__(self, registry)
        Answers.__init__(self, registry)
        Connections.__init__(self, registry)
