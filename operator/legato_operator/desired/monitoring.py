"""What Prometheus' operator reads, where the cluster knows those kinds: monitors, alerts. Pure."""

from legato_operator import names
from legato_operator.desired.frame import Frame
from legato_operator.desired.manifest import Manifest, Owner, made

API = "monitoring.coreos.com/v1"
KINDS = frozenset({"PodMonitor", "ServiceMonitor", "PrometheusRule"})
EVERY = "15s"
RUNBOOKS = "https://github.com/legato-music/legato/blob/main/docs/runbooks"

ALERTS = (
    (
        "LegatoDeadLetters",
        "increase(legato_audio_dead_letters_total{{{bot}}}[1h]) > 0",
        "0m",
        "A command was put aside after it failed three times.",
    ),
    (
        "LegatoEffectsWait",
        "min_over_time(legato_audio_outbox_waiting{{{bot}}}[5m]) > 100",
        "0m",
        "Effects wait: a node, Discord or PostgreSQL does not take what is committed.",
    ),
    (
        "LegatoDependencyAway",
        'max_over_time(legato_dependency_up{{{bot},dependency=~"redis|postgres|nodes"}}[1m]) == 0',
        "0m",
        "Redis, PostgreSQL or every node is away.",
    ),
    (
        "LegatoShardUnconnected",
        'max_over_time(legato_dependency_up{{{bot},dependency=~"discord_shard_.*"}}[5m]) == 0',
        "0m",
        "A shard has no connection to Discord.",
    ),
)
"""Name, expression, for how long, in words; docs/runbooks has what to do."""


def of_bot(frame: Frame, known: frozenset[str]) -> list[Manifest]:
    """Make what a bot needs, of the kinds that are known."""
    listed = [_pods(frame), _service(frame), _rules(frame)]
    return [one for one in listed if one["kind"] in known]


def of_nodes(owner: Owner, known: frozenset[str]) -> list[Manifest]:
    """Make what a node group needs, of the kinds that are known."""
    labels = names.of_nodes(owner.name)
    manifest = made(API, "PodMonitor", owner.name, owner, labels)
    manifest["spec"] = _scraped({"matchLabels": names.nodes_selector(owner.name)}, [names.NODES])
    return [manifest] if "PodMonitor" in known else []


def _pods(frame: Frame) -> Manifest:
    labels = names.of_bot(frame.name, "monitoring")
    manifest = made(API, "PodMonitor", frame.name, frame.owner, labels)
    kept = [names.BOT, names.REGION, names.COMPONENT]
    chosen = {"key": names.COMPONENT, "operator": "In", "values": ["audio", "gateway"]}
    selector = {"matchLabels": {names.BOT: frame.name}, "matchExpressions": [chosen]}
    manifest["spec"] = _scraped(selector, kept)
    return manifest


def _scraped(selector: Manifest, kept: list[str]) -> Manifest:
    return {
        "selector": selector,
        "podTargetLabels": kept,
        "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": EVERY}],
    }


def _service(frame: Frame) -> Manifest:
    labels = names.of_bot(frame.name, "monitoring")
    manifest = made(API, "ServiceMonitor", frame.name, frame.owner, labels)
    manifest["spec"] = {
        "selector": {"matchLabels": names.bot_selector(frame.name, "api")},
        "targetLabels": [names.BOT],
        "endpoints": [{"port": "http", "path": "/metrics", "interval": EVERY}],
    }
    return manifest


def _rules(frame: Frame) -> Manifest:
    labels = names.of_bot(frame.name, "monitoring")
    manifest = made(API, "PrometheusRule", frame.name, frame.owner, labels)
    # Prometheus writes a label's every other sign as an underscore.
    chosen = f'namespace="{frame.owner.namespace}",legato_dev_bot="{frame.name}"'
    rules = [
        {
            "alert": alert,
            "expr": expression.format(bot=chosen),
            "for": lasting,
            "labels": {"severity": "warning", "bot": frame.name},
            "annotations": {"summary": summary, "runbook_url": f"{RUNBOOKS}/{alert}.md"},
        }
        for alert, expression, lasting, summary in ALERTS
    ]
    manifest["spec"] = {"groups": [{"name": f"legato-{frame.name}", "rules": rules}]}
    return manifest
