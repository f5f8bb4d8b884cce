"""What children are called and labelled. Pure; the only place where labels are written."""

import hashlib

import msgspec

from legato_operator.resources import GROUP

MANAGED_BY = "legato-operator"
BOT = f"{GROUP}/bot"
NODES = f"{GROUP}/nodes"
REGION = f"{GROUP}/region"
REVISION = f"{GROUP}/revision"
JOB = f"{GROUP}/job"
PROTECTED = f"{GROUP}/protected"
"""On a node's pod from its creation: its PodDisruptionBudget lets nothing evict it."""
APPLIED = f"{GROUP}/applied"
"""Annotation: the hash of what was applied last."""
ORIGIN = f"{GROUP}/origin"
"""Annotation of a workload: what it was made of, and as what, packed."""
DRAIN = f"{GROUP}/drain"
"""Annotation that a person puts on a node's pod, to have it drained."""
SECRETS = f"{GROUP}/secrets"
"""Annotation of a pod template: the hash of the Secrets it uses."""
OTHER_SECRETS = f"{GROUP}/other-secrets"
"""Annotation of a node's pod template, where SECRETS is the hash of its password alone."""
ROTATION = f"{GROUP}/rotation"
"""Annotation of a password's Secret: which rotation made it."""
FINALIZER = f"{GROUP}/drain"
COMPONENT = "app.kubernetes.io/component"

Labels = dict[str, str]


def revision(content: object) -> str:
    """Name what a pod is made of: the same for equal contents, whatever their order."""
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:8]


def fingerprint(secret: str, uid: str) -> str:
    """Tell one secret from another where many may read it; alike only within one resource.

    The key is no secret: who reads the resource can try guesses, one in 2^32 of which fits by
    chance. That finds no token and no password of ours, but a word that somebody chose as one.
    """
    return hashlib.blake2b(secret.encode(), key=uid.encode()[:64], digest_size=4).hexdigest()


def fingerprints(secret: str, uid: str) -> tuple[str, str]:
    """Say every form in which pods that are there may carry it, first that of today."""
    return fingerprint(secret, uid), revision(secret)


def labels(component: str, *, instance: str) -> Labels:
    """Say the labels that every child has."""
    return {
        "app.kubernetes.io/name": "legato",
        "app.kubernetes.io/instance": instance,
        COMPONENT: component,
        "app.kubernetes.io/part-of": "legato",
        "app.kubernetes.io/managed-by": MANAGED_BY,
    }


def of_bot(bot: str, component: str, **more: str) -> Labels:
    """Say the labels of a bot's child; more: its region, revision, job."""
    return labels(component, instance=bot) | {BOT: bot} | _more(more)


def of_nodes(group: str, **more: str) -> Labels:
    """Say the labels of a node group's child."""
    return labels("node", instance=group) | {NODES: group} | _more(more)


def bot_selector(bot: str, component: str, **more: str) -> Labels:
    """Say what selects a bot's pods of a component."""
    return {BOT: bot, COMPONENT: component} | _more(more)


def nodes_selector(group: str) -> Labels:
    """Say what selects a group's pods."""
    return {NODES: group}


def joined(*parts: str) -> str:
    """Make a child's name."""
    return "-".join(part for part in parts if part)


def selector_text(selector: Labels) -> str:
    """Write a selector as /scale shows it."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


def _more(more: dict[str, str]) -> Labels:
    keys = {"region": REGION, "revision": REVISION, "job": JOB}
    return {keys[name]: value for name, value in more.items()}
