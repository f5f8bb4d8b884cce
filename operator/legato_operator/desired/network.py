"""Which pod may reach which. Pure.

| to | from | port |
| --- | --- | --- |
| gateway, audio | anyone: Prometheus, the kubelet | their pages |
| api | anyone | the API |
| node | anyone who knows its password; Prometheus and the kubelet without | Lavalink's |
| worker, migration | nobody | |

Everything may go out: to Discord, voice servers, music, Redis and PostgreSQL, whose addresses only
their Secrets know; but never to a cloud's metadata service.
"""

from legato_operator import names
from legato_operator.desired.manifest import Manifest, Owner, made

METADATA = {"0.0.0.0/0": ["169.254.169.254/32"], "::/0": ["fd00:ec2::254/128", "fd20:ce::254/128"]}
"""Where clouds hand out what a machine may do: of all, and by IPv6 of AWS and Google."""
OUT = [{"to": [{"ipBlock": {"cidr": cidr, "except": never}}]} for cidr, never in METADATA.items()]
SERVED = {"gateway": 3001, "audio": 3002, "api": 3000}
SILENT = ("worker", "migrate")


def of_bot(owner: Owner) -> list[Manifest]:
    """Make the policies of a bot's pods."""
    served = [_policy(owner, component, [port]) for component, port in SERVED.items()]
    return served + [_policy(owner, component, []) for component in SILENT]


def of_nodes(owner: Owner, port: int) -> Manifest:
    """Make the policy of a group's pods."""
    labels = names.of_nodes(owner.name)
    manifest = made("networking.k8s.io/v1", "NetworkPolicy", owner.name, owner, labels)
    manifest["spec"] = _spec(names.nodes_selector(owner.name), [port])
    return manifest


def _policy(owner: Owner, component: str, ports: list[int]) -> Manifest:
    name = names.joined(owner.name, component)
    labels = names.of_bot(owner.name, component)
    manifest = made("networking.k8s.io/v1", "NetworkPolicy", name, owner, labels)
    manifest["spec"] = _spec(names.bot_selector(owner.name, component), ports)
    return manifest


def _spec(selector: names.Labels, ports: list[int]) -> Manifest:
    return {
        "podSelector": {"matchLabels": selector},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"port": port, "protocol": "TCP"}]} for port in ports],
        "egress": OUT,
    }
