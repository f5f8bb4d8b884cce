"""The questions to Prometheus where a resource brings none of its own. Pure.

A pod's labels come as Prometheus' operator writes them: `legato.dev/bot` becomes `legato_dev_bot`.
A question about a bot answers with `region`; `pod`, where it is there, tells whose figure is
missing.
"""

_PLAYERS = (
    "label_replace(sum by (legato_dev_region, pod) (legato_audio_players{{{chosen},"
    'state="playing"}}), "region", "$1", "legato_dev_region", "(.*)")'
)
_NODE_PLAYERS = "sum by (pod) (lavalink_playing_players_total{{{chosen}}})"
_DEFICIT = (
    "max by (pod) (60 * rate(legato_node_frames_nulled_total{{{chosen}}}[2m]))"
    " or 0 * max by (pod) (lavalink_playing_players_total{{{chosen}}})"
)
"""A node that exports no frames, as Lavalink's own, misses none as far as this can tell."""


def players_of_bot(namespace: str, name: str) -> str:
    """Ask for a bot's playing players, by region and pod."""
    return _PLAYERS.format(chosen=_chosen(namespace, "bot", name))


def players_of_nodes(namespace: str, name: str) -> str:
    """Ask for a group's playing players, by pod."""
    return _NODE_PLAYERS.format(chosen=_chosen(namespace, "nodes", name))


def deficit_of_nodes(namespace: str, name: str) -> str:
    """Ask for the frames that each node of a group misses in a minute."""
    return _DEFICIT.format(chosen=_chosen(namespace, "nodes", name))


def _chosen(namespace: str, of: str, name: str) -> str:
    """Choose by labels; names of Kubernetes need no escape."""
    return f'namespace="{namespace}",legato_dev_{of}="{name}"'
