"""What a person applies to have one LavalinkNode and one MusicBot on a cluster. Pure."""

from collections.abc import Mapping
from typing import Any

SPACE = "music"
REPOSITORY = "docker.io/library/legato"
IMAGE = f"{REPOSITORY}:test"
SIMULATOR = f"legato-simulator.{SPACE}.svc:8123"
BOT_ID = 123456789012345678
BOT, NODES = "melody", "berlin"
TRUSTED = {"caSecretRef": {"name": "legato-simulator", "key": "ca.pem"}}
SHARE = "200m"
"""Of the processor, for a node as for the control stream beside it, so that both are late alike."""
SHARDS = 4
"""As many as Discord advises; they may all identify at once."""
KINDS = {"LavalinkNode": NODES, "MusicBot": BOT}
Json = Any


def secret(name: str, token: str) -> Json:
    """Hold a bot's token."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": {"token": token},
    }


def nodes(more: Mapping[str, Json]) -> Json:
    """Ask for nodes; `more` of their spec goes before what is usual."""
    spec = {
        "region": "europe",
        "replicas": 1,
        "image": IMAGE,
        "resources": {"cpu": SHARE, "memory": "512Mi"},
        "allowedAddresses": [SIMULATOR],
        "podTemplate": TRUSTED,
        **more,
    }
    return _resource("LavalinkNode", NODES, spec)


def bot(more: Mapping[str, Json]) -> Json:
    """Ask for a bot; `more` of its spec goes before what is usual."""
    spec = {
        "applicationId": str(BOT_ID),
        "image": IMAGE,
        "tokenSecretRef": {"name": "discord", "key": "token"},
        "regions": [{"name": "europe"}],
        "database": {"urlSecretRef": {"name": "postgres", "key": "url"}},
        "redis": {"urlSecretRef": {"name": "redis", "key": "url"}},
        "discord": {
            "restUrl": f"http://{SIMULATOR}/api/v10",
            "allowedAddresses": [SIMULATOR],
        },
        "podTemplate": TRUSTED,
        **more,
    }
    return _resource("MusicBot", BOT, spec)


def values(machine: str, prometheus: str, simulator: Mapping[str, Json]) -> Json:
    """Say of the chart what the tests need; `simulator` is more of its values for that."""
    return {
        "image": {"repository": REPOSITORY, "tag": "test"},
        "replicas": 1,
        # Nothing waits long for the operator's next look; at two resources that costs it little.
        "lookAgain": "1s",
        # Whatever becomes of the other machines, the operator and the listener stay.
        "nodeSelector": {"kubernetes.io/hostname": machine},
        "prometheus": {"url": prometheus},
        "discord": {"checkTokensEvery": "10s"},
        "simulator": {
            "enabled": True,
            "image": {"repository": REPOSITORY, "tag": "test"},
            "tokenSecret": {"name": "discord"},
            "shards": SHARDS,
            "extraArgs": [f"--max-concurrency={SHARDS}"],
            "resources": {"requests": {"cpu": SHARE}},
            **simulator,
        },
    }


def _resource(kind: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": "legato.dev/v1beta1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
