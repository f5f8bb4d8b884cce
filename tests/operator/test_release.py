from dataclasses import dataclass, field

import pytest

from legato_operator import names, release
from legato_operator.cluster import Cluster, Conflict
from legato_operator.desired.manifest import Manifest, Ref


def _held(*by: str) -> Manifest:
    said = {"name": "melody", "namespace": "music", "uid": "uid", "resourceVersion": "7"}
    return {"metadata": said | {"finalizers": list(by)}}


def test_what_is_held_by_us_is_let_go_of_and_what_others_hold_it_by_stays() -> None:
    assert release.let_go(_held(names.FINALIZER, "example.org/theirs")) == {
        "metadata": {"finalizers": ["example.org/theirs"], "resourceVersion": "7"}
    }


@pytest.mark.parametrize("found", [_held(), _held("example.org/theirs"), {"metadata": {}}])
def test_what_nothing_of_ours_holds_is_left_alone(found: Manifest) -> None:
    assert release.let_go(found) is None


@dataclass
class Server(Cluster):
    """Has one bot, that another controller takes hold of before our first write."""

    found: Manifest
    written: list[Manifest] = field(default_factory=list)

    async def resource(self, kind: str, namespace: str, name: str) -> Manifest | None:
        return self.found

    async def merge(
        self, one: Ref, namespace: str, body: Manifest, *, uid: str = ""
    ) -> Manifest | None:
        self.written.append(body["metadata"])
        said = self.found["metadata"]
        if body["metadata"]["resourceVersion"] != said["resourceVersion"]:
            raise Conflict("kubernetes", "it was changed")
        return None


async def test_what_another_took_hold_of_meanwhile_stays_held_by_it() -> None:
    before, now = _held(names.FINALIZER), _held(names.FINALIZER, "example.org/theirs")
    now["metadata"]["resourceVersion"] = "8"
    server = Server(now)

    assert await release.let_go_of(server, "MusicBot", before)

    assert [one["finalizers"] for one in server.written] == [[], ["example.org/theirs"]]


def test_without_the_operators_name_it_says_what_to_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert release.main({}) == 2

    assert "OPERATOR_DEPLOYMENT" in capsys.readouterr().err
