"""Everything of a bot that is simply there: what no rollout, scaling or drain decides. Pure."""

from legato_operator import names
from legato_operator.desired import api, monitoring, network, worker
from legato_operator.desired.frame import Frame
from legato_operator.desired.manifest import Manifest, made

LEAVING_AT_ONCE = 1
"""Pods of a kind that a drained machine may take at the same time."""


def objects(frame: Frame, known: frozenset[str]) -> list[Manifest]:
    """Make them, in the order in which they are needed."""
    return [
        _account(frame),
        *_budgets(frame),
        *(network.of_bot(frame.owner) if frame.spec.network_policy else ()),
        *api.objects(frame),
        *worker.cronjobs(frame),
        *monitoring.of_bot(frame, known & monitoring.KINDS),
    ]


def _account(frame: Frame) -> Manifest:
    """Make the account that pods run as; nothing of Legato's services talks to Kubernetes."""
    labels = names.of_bot(frame.name, "services")
    name = names.joined(frame.name, "services")
    manifest = made("v1", "ServiceAccount", name, frame.owner, labels)
    return {**manifest, "automountServiceAccountToken": False}


def _budgets(frame: Frame) -> list[Manifest]:
    gateway = _budget(frame, "gateway", {})
    regions = [_budget(frame, "audio", {"region": one.name}) for one in frame.spec.regions]
    served = [_budget(frame, "api", {})] if frame.spec.api.replicas > 1 else []
    return [gateway, *regions, *served]


def _budget(frame: Frame, component: str, more: names.Labels) -> Manifest:
    name = names.joined(frame.name, component, *more.values())
    labels = names.of_bot(frame.name, component, **more)
    manifest = made("policy/v1", "PodDisruptionBudget", name, frame.owner, labels)
    selector = names.bot_selector(frame.name, component, **more)
    manifest["spec"] = {
        "maxUnavailable": LEAVING_AT_ONCE,
        "selector": {"matchLabels": selector},
    }
    return manifest
