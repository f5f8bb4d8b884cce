"""The HTTP API: its Deployment, Service and Ingress. Pure."""

from legato_operator import names
from legato_operator.desired import frame as frames
from legato_operator.desired import pods
from legato_operator.desired.frame import Frame
from legato_operator.desired.manifest import Manifest, made

COMPONENT = "api"
PORT = 3000


def objects(frame: Frame) -> list[Manifest]:
    """Make what the API needs; nothing where no pod is wanted."""
    if not frame.spec.api.replicas:
        return []
    ingress = [_ingress(frame)] if frame.spec.api.host else []
    return [frames.sized(deployment(frame), frame.spec.api.replicas), _service(frame), *ingress]


def deployment(frame: Frame) -> Manifest:
    """Make one Deployment, without a count, that rolls by itself: its pods hold nothing."""
    spec = frame.spec
    redis, redis_files = frame.connected("REDIS", spec.redis)
    database, database_files = frame.connected("DATABASE", spec.database)
    oauth = spec.api.oauth_secret_ref
    told = pods.said(
        DISCORD_APPLICATION_ID=spec.application_id, REGION=spec.regions[0].name, API_PORT=PORT
    )
    secret = (pods.from_secret("DISCORD_CLIENT_SECRET", frame.pinned("oauth")),) if oauth else ()
    shape = pods.Shape(
        component=COMPONENT,
        image=frame.image(COMPONENT),
        args=(COMPONENT,),
        resources=spec.api.resources,
        env=(*frames.member(), *redis, *database, *told, *secret),
        port=PORT,
        files=(*redis_files, *database_files),
        spread=pods.OVER_MACHINES,
        account=names.joined(frame.name, "services"),
    )
    selector = names.bot_selector(frame.name, COMPONENT)
    labels = names.of_bot(frame.name, COMPONENT)
    used = pods.secret_refs(spec.redis, spec.database, oauth)
    name = names.joined(frame.name, COMPONENT)
    manifest = made("apps/v1", "Deployment", name, frame.owner, labels)
    manifest["spec"] = {
        "selector": {"matchLabels": selector},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}},
        "revisionHistoryLimit": 2,
        "template": pods.template(
            shape,
            spec.pod_template,
            labels=labels,
            selector=selector,
            secrets=frame.secrets_hash(*used),
        ),
    }
    return manifest


def _service(frame: Frame) -> Manifest:
    name = names.joined(frame.name, COMPONENT)
    manifest = made("v1", "Service", name, frame.owner, names.of_bot(frame.name, COMPONENT))
    manifest["spec"] = {
        "selector": names.bot_selector(frame.name, COMPONENT),
        "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
    }
    return manifest


def _ingress(frame: Frame) -> Manifest:
    api, name = frame.spec.api, names.joined(frame.name, COMPONENT)
    labels = names.of_bot(frame.name, COMPONENT)
    manifest = made("networking.k8s.io/v1", "Ingress", name, frame.owner, labels)
    backend = {"service": {"name": name, "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: Manifest = {"rules": [{"host": api.host, "http": {"paths": [path]}}]}
    if api.ingress_class_name:
        spec["ingressClassName"] = api.ingress_class_name
    if api.tls_secret_name:
        spec["tls"] = [{"hosts": [api.host], "secretName": api.tls_secret_name}]
    manifest["spec"] = spec
    return manifest
