"""The node's Prometheus page: Lavalink's own names, and ours for frames and lag."""

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from legato.node import pacing
from legato.node.dave.key_handles import KeyHandles
from legato.node.engine import Pacer
from legato.node.node import Node

LOAD_RESULTS = ("track", "playlist", "search", "empty", "error")
CONTENT_TYPE = CONTENT_TYPE_LATEST


def render(node: Node) -> bytes:
    """Write the page."""
    registry = CollectorRegistry()
    registry.register(_Page(node))
    return generate_latest(registry)


class _Page(Collector):
    """Reads the node when it is asked."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        """Give every metric."""
        yield from self._lavalink()
        yield from self._frames()
        for pacer in self._node.engine.pacers:
            yield from _pacing(pacer)

    def _lavalink(self) -> Iterator[Metric]:
        stats = self._node.usage.stats(self._node.seen_players())
        figures = {
            "lavalink_players_total": ("Players of connected sessions.", stats.players),
            "lavalink_playing_players_total": ("Of these, playing.", stats.playing_players),
            "lavalink_uptime_milliseconds": ("Time since the start.", stats.uptime),
            "lavalink_memory_free_bytes": ("Memory left.", stats.memory.free),
            "lavalink_memory_used_bytes": ("Memory in use.", stats.memory.used),
            "lavalink_memory_allocated_bytes": ("Memory taken.", stats.memory.allocated),
            "lavalink_memory_reservable_bytes": ("Memory allowed.", stats.memory.reservable),
            "lavalink_cpu_cores": ("Processor cores.", stats.cpu.cores),
            "lavalink_cpu_system_load_percentage": ("Machine's load.", stats.cpu.system_load),
            "lavalink_cpu_lavalink_load_percentage": ("Node's load.", stats.cpu.lavalink_load),
        }
        for name, (text, value) in figures.items():
            yield GaugeMetricFamily(name, text, value=value)

    def _frames(self) -> Iterator[Metric]:
        engine = self._node.engine
        due, sent, nulled = engine.frames()
        yield CounterMetricFamily("legato_node_frames_due", "Frames due.", value=due)
        yield CounterMetricFamily("legato_node_frames_sent", "Frames sent.", value=sent)
        yield CounterMetricFamily(
            "legato_node_frames_nulled", "Frames missing when they were due.", value=nulled
        )
        yield CounterMetricFamily(
            "legato_node_worker_restarts",
            "Media processes replaced.",
            value=engine.workers.restarts,
        )
        yield from _encryption(engine.keys)
        loads = CounterMetricFamily("legato_node_loads", "Links asked about.", labels=["result"])
        for result in LOAD_RESULTS:
            loads.add_metric([result], self._node.loads[result])
        yield loads
        yield GaugeMetricFamily(
            "legato_node_sessions",
            "Sessions, waiting ones too.",
            value=len(list(self._node.sessions)),
        )
        yield GaugeMetricFamily(
            "legato_node_players",
            "Players of all sessions, of waiting ones too.",
            value=len(self._node.all_players()),
        )


def _encryption(keys: KeyHandles) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "legato_node_encrypted_calls", "Calls that are encrypted end to end.", value=keys.calls
    )
    epochs = CounterMetricFamily(
        "legato_node_group_changes",
        "Commits and welcomes of encrypted calls; an invalid one is followed by joining anew.",
        labels=["result"],
    )
    for result in ("taken", "invalid"):
        epochs.add_metric([result], keys.epochs[result])
    yield epochs
    yield CounterMetricFamily(
        "legato_node_key_process_restarts", "Key processes replaced.", value=keys.restarts
    )


def _pacing(pacer: Pacer) -> Iterator[Metric]:
    words, table = pacer.board.words, pacer.board.table
    name = str(pacer.child.pid)
    lag = HistogramMetricFamily(
        "legato_node_pacing_lag_seconds", "How late a 20 ms tick began.", labels=["pacer"]
    )
    buckets, total = [], 0
    for index, limit in enumerate(pacing.LAG_BUCKETS_MS):
        total += table[index]
        buckets.append((str(limit / 1000), float(total)))
    total += table[len(pacing.LAG_BUCKETS_MS)]
    buckets.append(("+Inf", float(total)))
    lag.add_metric([name], buckets, sum_value=words[pacing.BOARD_LATE_SUM_NS] / 1e9)
    yield lag
    skipped = CounterMetricFamily(
        "legato_node_pacing_skipped_ticks", "Ticks given up after a stall.", labels=["pacer"]
    )
    skipped.add_metric([name], words[pacing.BOARD_SKIPPED])
    yield skipped
    lanes = GaugeMetricFamily("legato_node_lanes", "Players of a pacer.", labels=["pacer"])
    lanes.add_metric([name], words[pacing.BOARD_LANES])
    yield lanes
