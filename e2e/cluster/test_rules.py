"""Every rule of the custom resources at a real API server: what it lets pass, what it refuses."""

import pathlib

import msgspec
import pytest
import yaml

from legato_cluster.control_plane import ControlPlane
from legato_operator import crds, schemas
from legato_operator.resources import API_VERSION

RULES = pathlib.Path(__file__).parent / "rules"
Spec = dict[str, object]


class Example(msgspec.Struct, frozen=True):
    accepted: Spec
    refused: Spec
    before: Spec | None = None


class Examples(msgspec.Struct, frozen=True):
    valid: Spec
    rules: dict[str, Example]


def examples(kind: crds.Kind) -> Examples:
    return msgspec.convert(
        yaml.safe_load((RULES / f"{kind.name.lower()}.yaml").read_text()), Examples
    )


CASES = [(kind, name) for kind in crds.KINDS for name in examples(kind).rules]


def manifest(kind: crds.Kind, name: object, *changes: Spec) -> str:
    spec = dict(examples(kind).valid)
    for change in changes:
        spec |= change
    name = spec.pop("name", name)
    spec = {field: value for field, value in spec.items() if value is not None}
    return yaml.safe_dump(
        {"apiVersion": API_VERSION, "kind": kind.name, "metadata": {"name": name}, "spec": spec}
    )


@pytest.mark.parametrize("kind", crds.KINDS, ids=lambda kind: kind.name)
def test_every_rule_has_its_examples(kind: crds.Kind) -> None:
    assert set(examples(kind).rules) == set(schemas.rules(kind.struct))


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{k.name}-{n}" for k, n in CASES])
def test_a_rule_lets_pass_and_refuses_with_its_sentence(
    cluster: ControlPlane, kind: crds.Kind, name: str
) -> None:
    example, rule = examples(kind).rules[name], schemas.rules(kind.struct)[name]
    named = name.lower()
    if example.before is not None:
        made = cluster.kubectl("create", "-f", "-", stdin=manifest(kind, named, example.before))
        assert made.returncode == 0, made.stderr
    apply = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")

    accepted = cluster.kubectl(*apply, stdin=manifest(kind, named, example.accepted))
    refused = cluster.kubectl(*apply, stdin=manifest(kind, named, example.refused))

    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert refused.returncode == 1
    assert rule.message in refused.stderr
