"""What the audio service counts: legato_audio_*, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 4)
_SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16)


class Metrics:
    """The service's own figures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count_steps(registry)
        self._count_effects(registry)
        self.partitions = Gauge(
            "legato_audio_partitions_owned", "Partitions held by lease", registry=registry
        )
        self.players = Gauge(
            "legato_audio_players", "Players by state", ["state"], registry=registry
        )
        self.sessions = Gauge(
            "legato_audio_node_sessions", "Lavalink sessions", ["node", "state"], registry=registry
        )
        self.unwritten = Gauge(
            "legato_audio_unwritten",
            "Players and people that wait to be written to PostgreSQL",
            registry=registry,
        )
        self.restarts = Counter(
            "legato_audio_partition_restarts", "Partitions begun anew", registry=registry
        )
        self.moves = Counter(
            "legato_audio_moves", "Players moved between nodes", ["outcome"], registry=registry
        )
        self.voice_closes = Counter(
            "legato_audio_voice_closes",
            "Voice connections that Discord or the way to it ended, by close code",
            ["code"],
            registry=registry,
        )
        self.searches = Counter(
            "legato_audio_searches", "Autocomplete questions", ["outcome"], registry=registry
        )

    def _count_steps(self, registry: CollectorRegistry) -> None:
        self.steps = Histogram(
            "legato_audio_step_seconds",
            "A message's step, its commit included",
            ["message"],
            buckets=_FAST,
            registry=registry,
        )
        self.commits = Counter(
            "legato_audio_commits", "Commits by outcome", ["outcome"], registry=registry
        )
        self.repeats = Counter(
            "legato_audio_repeated_commands", "Commands that were done already", registry=registry
        )
        self.dead = Counter(
            "legato_audio_dead_letters", "Messages put aside: alert on any", registry=registry
        )

    def _count_effects(self, registry: CollectorRegistry) -> None:
        self.effects = Counter(
            "legato_audio_effects", "Effects by outcome", ["effect", "outcome"], registry=registry
        )
        self.effect_seconds = Histogram(
            "legato_audio_effect_seconds",
            "One run of an effect",
            ["effect"],
            buckets=_SLOW,
            registry=registry,
        )
        self.outbox = Gauge(
            "legato_audio_outbox_waiting", "Effects that are still to do", registry=registry
        )
