"""NetworkPolicies against a table of the flows that there must be, and of some that must not."""

from collections.abc import Mapping

import pytest

import support_helm
from legato_operator import names
from legato_operator.desired import network
from legato_operator.desired.manifest import Manifest, Owner
from legato_operator.desired.nodes import PORT

BOT = Owner("MusicBot", "melody", "music", "uid")
GROUP = Owner("LavalinkNode", "berlin", "music", "uid")
POLICIES = [*network.of_bot(BOT), network.of_nodes(GROUP, PORT)]
PODS = {
    **{
        one: names.of_bot("melody", one) for one in ("gateway", "audio", "api", "worker", "migrate")
    },
    "node": names.of_nodes("berlin"),
}


def selecting(labels: Mapping[str, str]) -> list[Manifest]:
    return [
        one["spec"]
        for one in POLICIES
        if one["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    ]


def lets_in(to: str, port: int) -> bool:
    found = selecting(PODS[to])
    return not found or any(
        port in {each["port"] for each in rule["ports"]} and "from" not in rule
        for spec in found
        for rule in spec["ingress"]
    )


@pytest.mark.parametrize(
    ("to", "port", "why"),
    [
        ("api", 3000, "people's browsers, through the Ingress"),
        ("gateway", 3001, "Prometheus and the kubelet"),
        ("audio", 3002, "Prometheus and the kubelet"),
        ("node", 2333, "audio pods, Prometheus and the kubelet"),
    ],
)
def test_what_must_reach_a_pod_does(to: str, port: int, why: str) -> None:
    assert lets_in(to, port), why


@pytest.mark.parametrize(
    ("to", "port"),
    [("worker", 3003), ("migrate", 3003), ("gateway", 2333), ("audio", 3001), ("node", 22)],
)
def test_nothing_else_reaches_it(to: str, port: int) -> None:
    assert not lets_in(to, port)


@pytest.mark.parametrize("pod", PODS)
def test_every_pod_reaches_everything_but_a_clouds_metadata(pod: str) -> None:
    (spec,) = selecting(PODS[pod])

    blocks = [to["ipBlock"] for rule in spec["egress"] for to in rule["to"]]
    assert {one["cidr"]: one["except"] for one in blocks} == {
        "0.0.0.0/0": ["169.254.169.254/32"],
        "::/0": ["fd00:ec2::254/128", "fd20:ce::254/128"],
    }
    assert spec["policyTypes"] == ["Ingress", "Egress"]


def test_the_charts_operator_may_reach_no_more() -> None:
    (policy,) = [
        one
        for one in support_helm.rendered({"networkPolicy": {"enabled": True}})
        if one["kind"] == "NetworkPolicy"
    ]

    assert policy["spec"]["egress"] == network.OUT
