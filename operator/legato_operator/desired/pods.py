"""A pod as every component of Legato has it: restricted, spread, without a CPU limit. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec

from legato_operator import names
from legato_operator.desired.manifest import Manifest
from legato_operator.names import Labels
from legato_operator.resources.shared import (
    Connection,
    PodOverrides,
    Resources,
    SecretRef,
    Spread,
)

LOST_AFTER = 10
"""Seconds that a pod stays bound to a machine that is not ready or not reachable."""
USER = 65_532
"""Whom the images run as; nobody's number on the machines."""
SCRATCH = "/tmp"  # noqa: S108  # a volume of the pod's own; the root is read-only
TRUSTED = "/etc/legato/trust/ca.crt"
OVER_MACHINES = (Spread(),)
"""How pods are spread that nobody may say it of."""
GRACE = 30
"""Seconds: more than the services' STOP_TIMEOUT of 20 s."""


@dataclass(frozen=True, slots=True)
class Mounted:
    """One key of a Secret or ConfigMap as a file."""

    name: str
    path: str
    source: Manifest


@dataclass(frozen=True, slots=True)
class Shape:
    """What differs between components."""

    component: str
    image: str
    args: tuple[str, ...]
    resources: Resources
    env: tuple[Manifest, ...] = ()
    port: int = 0
    ready_path: str = "/ready"
    alive_path: str = "/health"
    files: tuple[Mounted, ...] = ()
    spread: Sequence[Spread] = ()
    machines: dict[str, str] = field(default_factory=dict)
    account: str = ""
    grace: int = GRACE
    restart: str = "Always"


def template(
    shape: Shape, overrides: PodOverrides, *, labels: Labels, selector: Labels, secrets: str = ""
) -> Manifest:
    """Make a pod template: ours, and what the user adds."""
    from_user = dict(overrides.annotations)
    annotations = from_user | ({names.SECRETS: secrets} if secrets else {})
    metadata: Manifest = {"labels": dict(overrides.labels) | labels}
    if annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": _pod(shape, overrides, selector)}


def from_secret(name: str, of: SecretRef) -> Manifest:
    """Take an environment variable from a Secret."""
    source = {"secretKeyRef": {"name": of.name, "key": of.key}}
    return {"name": name, "valueFrom": source}


def said(**values: str | int | None) -> tuple[Manifest, ...]:
    """Write environment variables; None and the empty text are left out."""
    return tuple(
        {"name": name, "value": str(value)}
        for name, value in values.items()
        if value is not None and value != ""
    )


def connected(
    prefix: str, to: Connection, url: SecretRef
) -> tuple[tuple[Manifest, ...], tuple[Mounted, ...]]:
    """Say how a server is reached: the variables, and the file of its authority."""
    env = (from_secret(f"{prefix}_URL", url),)
    if to.ca_secret_ref is None:
        return env, ()
    at = f"/etc/legato/{prefix.lower()}"
    file = secret_file(f"{prefix.lower()}-ca", to.ca_secret_ref, f"{at}/ca.crt")
    return (*env, *said(**{f"{prefix}_CA_FILE": file.path})), (file,)


def secret_file(name: str, of: SecretRef, path: str) -> Mounted:
    """Mount one key of a Secret."""
    leaf = path.rpartition("/")[2]
    items = [{"key": of.key, "path": leaf}]
    return Mounted(name, path, {"secret": {"secretName": of.name, "items": items}})


def secret_refs(*found: SecretRef | Connection | None) -> tuple[SecretRef, ...]:
    """List the references to Secrets among these."""
    listed: list[SecretRef] = []
    for one in found:
        match one:
            case SecretRef():
                listed.append(one)
            case Connection(url_secret_ref=url, ca_secret_ref=authority):
                listed += [url] + ([authority] if authority else [])
    return tuple(listed)


def _trusting(shape: Shape, authorities: SecretRef | None) -> Shape:
    """Let OpenSSL, and so Python, trust these authorities."""
    if authorities is None:
        return shape
    file = secret_file("trust", authorities, TRUSTED)
    told = (*shape.env, *said(SSL_CERT_FILE=TRUSTED))
    return replace(shape, env=told, files=(*shape.files, file))


def _pod(shape: Shape, overrides: PodOverrides, selector: Labels) -> Manifest:
    shape = _trusting(shape, overrides.ca_secret_ref)
    spec: Manifest = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": shape.grace,
        "tolerations": [*_lost(), *(_plain(one) for one in overrides.tolerations)],
        "containers": [_container(shape, overrides)],
        "volumes": [{"name": "scratch", "emptyDir": {}}, *(_volume(one) for one in shape.files)],
    }
    if shape.restart != "Always":
        spec["restartPolicy"] = shape.restart
    optional = {
        "serviceAccountName": shape.account,
        "nodeSelector": dict(shape.machines),
        "topologySpreadConstraints": [_spread(one, selector) for one in shape.spread],
        "affinity": overrides.affinity,
        "priorityClassName": overrides.priority_class_name,
        "imagePullSecrets": [{"name": one} for one in overrides.image_pull_secrets],
    }
    return spec | {key: value for key, value in optional.items() if value}


def _container(shape: Shape, overrides: PodOverrides) -> Manifest:
    container: Manifest = {
        "name": shape.component,
        "image": shape.image,
        "env": _merged(shape.env, overrides),
        "resources": {
            "requests": {"cpu": shape.resources.cpu, "memory": shape.resources.memory},
            "limits": {"memory": shape.resources.memory},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "scratch", "mountPath": SCRATCH},
            *(_mount(one) for one in shape.files),
        ],
    }
    if shape.args:
        container["args"] = list(shape.args)
    return container | (_probed(shape) if shape.port else {})


def _probed(shape: Shape) -> Manifest:
    return {
        "ports": [{"name": "http", "containerPort": shape.port}],
        "readinessProbe": {
            "httpGet": {"path": shape.ready_path, "port": "http"},
            "periodSeconds": 2,
            "timeoutSeconds": 3,
        },
        "livenessProbe": {
            "httpGet": {"path": shape.alive_path, "port": "http"},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
        "startupProbe": {
            "httpGet": {"path": shape.alive_path, "port": "http"},
            "periodSeconds": 2,
            "failureThreshold": 60,
        },
    }


def _merged(env: Sequence[Manifest], overrides: PodOverrides) -> list[Manifest]:
    """Put the user's variables in the place of ours of the same name."""
    own = {one.name: _plain(one) for one in overrides.env}
    return [one for one in env if one["name"] not in own] + list(own.values())


def _lost() -> list[Manifest]:
    return [
        {
            "key": f"node.kubernetes.io/{what}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": LOST_AFTER,
        }
        for what in ("not-ready", "unreachable")
    ]


def _spread(one: Spread, selector: Labels) -> Manifest:
    return {
        "topologyKey": one.topology_key,
        "maxSkew": one.max_skew,
        "whenUnsatisfiable": one.when_unsatisfiable,
        "labelSelector": {"matchLabels": dict(selector)},
    }


def _volume(one: Mounted) -> Manifest:
    return {"name": one.name, **one.source}


def _mount(one: Mounted) -> Manifest:
    return {"name": one.name, "mountPath": one.path.rpartition("/")[0], "readOnly": True}


def _plain(one: msgspec.Struct) -> Manifest:
    found: Manifest = msgspec.to_builtins(one)
    return found
