"""What was decided of one object is never done to another that has its name meanwhile."""

import pytest

from legato_cluster.control_plane import ControlPlane
from legato_operator import cluster as adapter
from legato_operator.cluster import Cluster
from legato_operator.desired.manifest import Manifest, Ref

ONE = Ref("ConfigMap", "thing")
BOT = Ref("MusicBot", "melody")
SPACE = "default"
CONFIG = "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
"""KUBECONFIG as the client read it once, when it was imported."""


def thing() -> Manifest:
    said = {"name": ONE.name, "namespace": SPACE}
    return {"apiVersion": "v1", "kind": ONE.kind, "metadata": said, "data": {"is": "kept"}}


def bot() -> Manifest:
    return {
        "apiVersion": "legato.dev/v1beta1",
        "kind": BOT.kind,
        "metadata": {"name": BOT.name, "namespace": SPACE, "finalizers": ["example.org/held"]},
        "spec": {
            "applicationId": "123456789012345678",
            "tokenSecretRef": {"name": "melody", "key": "token"},
            "regions": [{"name": "europe"}],
            "database": {"urlSecretRef": {"name": "melody", "key": "postgres"}},
            "redis": {"urlSecretRef": {"name": "melody", "key": "redis"}},
        },
    }


async def replaced(reached: Cluster, one: Manifest) -> tuple[str, str]:
    """Make an object twice; say the uids of the first and of the second."""
    uids = []
    for _ in range(2):
        found = await reached.resource(one["kind"], SPACE, one["metadata"]["name"])
        if found is not None:
            name = Ref(one["kind"], one["metadata"]["name"])
            await reached.merge(name, SPACE, {"metadata": {"finalizers": None}})
            await reached.delete(name, SPACE)
        made = await reached.create(one)
        assert made is not None
        uids.append(made["metadata"]["uid"])
    return uids[0], uids[1]


async def test_an_object_goes_only_if_it_is_the_one_that_was_looked_at(
    cluster: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CONFIG, str(cluster.kubeconfig))
    async with adapter.connected() as reached:
        first, second = await replaced(reached, thing())

        await reached.delete(ONE, SPACE, uid=first)
        assert await reached.resource(ONE.kind, SPACE, ONE.name) is not None

        await reached.delete(ONE, SPACE, uid=second)
        assert await reached.resource(ONE.kind, SPACE, ONE.name) is None


@pytest.mark.parametrize("made", [thing(), bot()], ids=["child", "resource"])
async def test_an_object_is_changed_only_if_it_is_the_one_that_was_looked_at(
    cluster: ControlPlane, monkeypatch: pytest.MonkeyPatch, made: Manifest
) -> None:
    monkeypatch.setattr(CONFIG, str(cluster.kubeconfig))
    one = Ref(made["kind"], made["metadata"]["name"])
    change = {"metadata": {"labels": {"seen": "yes"}, "finalizers": []}}
    async with adapter.connected() as reached:
        first, second = await replaced(reached, made)

        assert await reached.merge(one, SPACE, change, uid=first) is None
        found = await reached.resource(one.kind, SPACE, one.name)
        assert found is not None
        assert "labels" not in found["metadata"]
        assert found["metadata"].get("finalizers") == made["metadata"].get("finalizers")

        became = await reached.merge(one, SPACE, change, uid=second)
        assert became is not None
        assert became["metadata"]["labels"] == {"seen": "yes"}
        await reached.delete(one, SPACE)


async def test_who_holds_a_resource_is_written_only_into_the_one_that_was_read(
    cluster: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CONFIG, str(cluster.kubeconfig))
    async with adapter.connected() as reached:
        _, uid = await replaced(reached, bot())
        read = await reached.resource(BOT.kind, SPACE, BOT.name)
        assert read is not None
        others = {"metadata": {"finalizers": ["example.org/held", "example.org/other"]}}
        await reached.merge(BOT, SPACE, others)

        said = {"finalizers": [], "resourceVersion": read["metadata"]["resourceVersion"]}
        with pytest.raises(adapter.Conflict):
            await reached.merge(BOT, SPACE, {"metadata": said}, uid=uid)

        found = await reached.resource(BOT.kind, SPACE, BOT.name)
        assert found is not None
        assert found["metadata"]["finalizers"] == others["metadata"]["finalizers"]
