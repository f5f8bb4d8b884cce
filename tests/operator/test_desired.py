"""Each case's objects are written down. LEGATO_UPDATE_CASES=1 writes them anew, for the diff."""

import os
from collections.abc import Iterator

import pytest
import yaml

import support_operator
from legato_operator.desired.manifest import Manifest

EVERY = pytest.mark.parametrize("case", support_operator.names())


def _containers(one: object) -> Iterator[Manifest]:
    match one:
        case {"containers": list(found)}:
            yield from found
        case dict():
            for value in one.values():
                yield from _containers(value)


def _written(objects: list[Manifest]) -> str:
    return yaml.safe_dump_all(objects, sort_keys=False, width=100)


@EVERY
def test_a_resources_objects_are_as_written_down(case: str) -> None:
    file = support_operator.CASES / case / "objects.yaml"

    made = _written(support_operator.objects(support_operator.read(case)))

    if os.environ.get("LEGATO_UPDATE_CASES"):
        file.write_text(made)
    assert yaml.safe_load_all(made) is not None
    assert made == file.read_text()


@EVERY
def test_every_pod_reserves_and_bounds_memory_and_none_has_a_cpu_limit(case: str) -> None:
    found = list(_containers({"all": _mapped(case)}))

    assert found
    for container in found:
        assert set(container["resources"]["limits"]) == {"memory"}
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}


@EVERY
def test_every_pod_is_restricted_and_its_root_is_read_only(case: str) -> None:
    for container in _containers({"all": _mapped(case)}):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}


@EVERY
def test_no_secret_stands_in_an_object(case: str) -> None:
    for container in _containers({"all": _mapped(case)}):
        plain = {one["name"]: one["value"] for one in container["env"] if "value" in one}
        assert not {name for name in plain if "PASSWORD" in name or "TOKEN" in name}
        assert not {name for name in plain if name.endswith("_URL") and "REST" not in name}


@EVERY
def test_every_object_goes_with_its_resource(case: str) -> None:
    resource = support_operator.read(case)

    for one in support_operator.objects(resource):
        (reference,) = one["metadata"]["ownerReferences"]
        assert reference["uid"] == resource["metadata"]["uid"]
        assert one["metadata"]["namespace"] == "music"


@EVERY
def test_two_objects_never_share_a_name(case: str) -> None:
    made = support_operator.objects(support_operator.read(case))

    assert len({(one["kind"], one["metadata"]["name"]) for one in made}) == len(made)


def _mapped(case: str) -> Manifest:
    made = support_operator.objects(support_operator.read(case))
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in made}
