"""Grafana's dashboards, one for listeners and one for the operator: a table of what panels ask.

Every metric that is asked for is one that the services export: a test compares them.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

PLACE = "charts/legato/files/dashboards"
WIDTH, HEIGHT, COLUMNS = 8, 8, 3
BOT = 'namespace=~"$namespace",legato_dev_bot=~"$bot"'
NODES = 'namespace=~"$namespace",legato_dev_nodes=~"$nodes"'
LEADS = "and on (pod) legato_operator_leading == 1"


class Panel(NamedTuple):
    """One diagram."""

    title: str
    about: str
    queries: Sequence[tuple[str, str]]
    """Expression, legend."""
    unit: str = "short"
    none: str = "no data"
    """What an empty panel says."""


def _quantile(share: float, metric: str, chosen: str, *by: str) -> str:
    labels = ", ".join(("le", *by))
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{{{chosen}}}[5m])))"


_MISSING = (
    f"sum by (pod) (rate(legato_node_frames_nulled_total{{{NODES}}}[5m])) / "
    f"sum by (pod) (rate(legato_node_frames_due_total{{{NODES}}}[5m]) > 0)"
)

LISTENERS = (
    Panel(
        "Players",
        "Players of each region, by what they do",
        [
            (
                f"sum by (legato_dev_region, state) (legato_audio_players{{{BOT}}})",
                "{{legato_dev_region}} {{state}}",
            )
        ],
    ),
    Panel(
        "Players of each node",
        "Playing players",
        [(f"sum by (pod) (lavalink_playing_players_total{{{NODES}}})", "{{pod}}")],
    ),
    Panel(
        "Frames that are missing",
        "Share of frames that were not there when they were due: holes that listeners hear",
        [(_MISSING, "{{pod}}")],
        "percentunit",
    ),
    Panel(
        "Frames that are late",
        "How late a 20 ms tick began, the worst of a hundred",
        [(_quantile(0.99, "legato_node_pacing_lag_seconds", NODES, "pod"), "{{pod}}")],
        "s",
    ),
    Panel(
        "From a command to its answer",
        "Discord waits 3 s",
        [
            (_quantile(share, "legato_gateway_answer_seconds", BOT), name)
            for share, name in ((0.5, "half"), (0.99, "99 of 100"))
        ],
        "s",
    ),
    Panel(
        "Commands",
        "A second, by command",
        [
            (
                f"sum by (command) (rate(legato_gateway_interactions_total{{{BOT}}}[5m]))",
                "{{command}}",
            )
        ],
    ),
    Panel(
        "People turned away or answered too late",
        "In five minutes",
        [
            (
                f'sum(increase(legato_gateway_shed_interactions_total{{{BOT},how="refuse"}}[5m]))',
                "turned away",
            ),
            (f"sum(increase(legato_gateway_too_late_answers_total{{{BOT}}}[5m]))", "too late"),
        ],
    ),
    Panel(
        "Shards",
        "Held, and with a live session",
        [
            (f"sum(legato_gateway_shards{{{BOT}}})", "held"),
            (f"sum(legato_gateway_connected_shards{{{BOT}}})", "connected"),
        ],
    ),
    Panel(
        "Sessions with Discord",
        "In five minutes; an IDENTIFY is dear, a RESUME is not",
        [
            (f"sum(increase(legato_gateway_resumes_total{{{BOT}}}[5m]))", "resumed"),
            (f"sum(increase(legato_gateway_identifies_total{{{BOT}}}[5m]))", "identified"),
        ],
    ),
    Panel(
        "Identifies left today",
        "Of 1,000; without any nothing can connect anew",
        [
            (
                f"min by (legato_dev_bot) (legato_gateway_remaining_identifies{{{BOT}}})",
                "{{legato_dev_bot}}",
            )
        ],
    ),
    Panel(
        "A step of a player",
        "From a message to its commit, the worst of a hundred",
        [(_quantile(0.99, "legato_audio_step_seconds", BOT, "message"), "{{message}}")],
        "s",
    ),
    Panel(
        "Effects that wait",
        "Committed, and not yet taken by a node, Discord or PostgreSQL",
        [(f"sum by (pod) (legato_audio_outbox_waiting{{{BOT}}})", "{{pod}}")],
    ),
    Panel(
        "Players that moved",
        "Between nodes, in five minutes, by outcome",
        [(f"sum by (outcome) (increase(legato_audio_moves_total{{{BOT}}}[5m]))", "{{outcome}}")],
        none="none so far",
    ),
    Panel(
        "Voice connections that ended",
        "In five minutes, by close code",
        [(f"sum by (code) (increase(legato_audio_voice_closes_total{{{BOT}}}[5m]))", "{{code}}")],
        none="none so far",
    ),
    Panel(
        "What is away",
        "Dependencies that a pod does not reach",
        [(f"sum by (dependency) (legato_dependency_up{{{BOT}}} == bool 0)", "{{dependency}}")],
    ),
)

OPERATOR = (
    Panel(
        "Who leads",
        "One of them, always",
        [("legato_operator_leading", "{{pod}}")],
    ),
    Panel(
        "Not ready",
        "MusicBots and LavalinkNodes whose condition Ready is not true",
        [
            (
                f'(legato_operator_condition{{type="Ready"}} < 1) {LEADS}',
                "{{kind}} {{namespace}}/{{name}}",
            )
        ],
        none="all are ready",
    ),
    Panel(
        "Rollouts that wait",
        "RolloutBlocked; the resource's status says for what",
        [
            (
                f'(legato_operator_condition{{type="RolloutBlocked"}} == 1) {LEADS}',
                "{{kind}} {{namespace}}/{{name}}",
            )
        ],
        none="none waits",
    ),
    Panel(
        "Looks",
        "A second, by outcome",
        [("sum by (outcome) (rate(legato_operator_look_seconds_count[5m]))", "{{outcome}}")],
    ),
    Panel(
        "How long a look takes",
        "The worst of a hundred",
        [(_quantile(0.99, "legato_operator_look_seconds", "", "kind"), "{{kind}}")],
        "s",
    ),
    Panel(
        "How long a change waits",
        "Until its look begins",
        [
            (_quantile(share, "legato_operator_queue_wait_seconds", ""), name)
            for share, name in ((0.5, "half"), (0.99, "99 of 100"))
        ],
        "s",
    ),
    Panel("Resources that wait", "For a look", [("legato_operator_queue_depth", "{{pod}}")]),
    Panel(
        "What is done",
        "In five minutes; nothing while nothing changes",
        [
            (
                "sum by (action, kind) (increase(legato_operator_actions_total[5m]))",
                "{{action}} {{kind}}",
            )
        ],
    ),
    Panel(
        "Calls to the API server",
        "A second, by verb and answer",
        [("sum by (verb, code) (rate(legato_operator_api_calls_total[5m]))", "{{verb}} {{code}}")],
    ),
    Panel(
        "How long a call takes",
        "The worst of a hundred",
        [(_quantile(0.99, "legato_operator_api_seconds", 'verb!="WATCH"', "verb"), "{{verb}}")],
        "s",
    ),
    Panel(
        "Silence of watches",
        "Since the API server last said anything; about a minute is usual",
        [("max by (kind) (legato_operator_watch_age_seconds)", "{{kind}}")],
        "s",
    ),
    Panel(
        "Questions to Prometheus without a figure",
        "In five minutes; counts are held meanwhile",
        [("sum by (why) (increase(legato_operator_unanswered_questions_total[5m]))", "{{why}}")],
        none="none so far",
    ),
    Panel(
        "Memory",
        "At most 150 MB with 200 bots",
        [("process_resident_memory_bytes and on (pod) legato_operator_leading", "{{pod}}")],
        "bytes",
    ),
)


def render() -> dict[str, str]:
    """Return the dashboards' files: their paths from the root, and their texts."""
    chosen = [
        _variable("namespace", "label_values(legato_audio_players, namespace)"),
        _variable(
            "bot", 'label_values(legato_audio_players{namespace=~"$namespace"}, legato_dev_bot)'
        ),
        _variable(
            "nodes",
            'label_values(lavalink_players_total{namespace=~"$namespace"}, legato_dev_nodes)',
        ),
    ]
    said = {
        "listeners": _dashboard("listeners", "Legato: listeners", LISTENERS, chosen),
        "operator": _dashboard("operator", "Legato: operator", OPERATOR, []),
    }
    return {f"{PLACE}/{name}.json": json.dumps(one, indent=1) + "\n" for name, one in said.items()}


def _dashboard(
    name: str, title: str, panels: Sequence[Panel], variables: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    source = {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }
    return {
        "uid": f"legato-{name}",
        "title": title,
        "tags": ["legato"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [source, *variables]},
        "panels": list(_placed(panels)),
    }


def _placed(panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(panels):
        row, column = divmod(number, COLUMNS)
        yield {
            "id": number + 1,
            "type": "timeseries",
            "title": one.title,
            "description": one.about,
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
            "fieldConfig": {
                "defaults": {"unit": one.unit, "min": 0, "noValue": one.none},
                "overrides": [],
            },
            "options": {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            },
            "targets": [
                {"refId": chr(ord("A") + place), "expr": expression, "legendFormat": legend}
                for place, (expression, legend) in enumerate(one.queries)
            ],
        }


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
