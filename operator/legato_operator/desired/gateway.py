"""The pods that hold the sessions with Discord. Pure."""

from legato_operator import names
from legato_operator.desired import frame as frames
from legato_operator.desired import pods
from legato_operator.desired.frame import Frame
from legato_operator.desired.manifest import Manifest

COMPONENT = "gateway"
PORT = 3001


def deployment(frame: Frame) -> Manifest:
    """Make the Deployment of the revision that the spec asks for."""
    spec = frame.spec
    redis, files = frame.connected("REDIS", spec.redis)
    shape = pods.Shape(
        component=COMPONENT,
        image=frame.image(COMPONENT),
        args=(COMPONENT,),
        resources=spec.gateway.resources,
        env=(*frames.member(), *redis, *_told(frame)),
        port=PORT,
        files=files,
        spread=pods.OVER_MACHINES,
        account=names.joined(frame.name, "services"),
    )
    used = pods.secret_refs(spec.token_secret_ref, spec.redis)
    return frames.deployment(frame, shape, secrets=frame.secrets_hash(*used))


def _told(frame: Frame) -> tuple[Manifest, ...]:
    spec = frame.spec
    simulated = spec.discord
    return (
        pods.from_secret("DISCORD_TOKEN", frame.pinned("token")),
        *pods.said(
            DISCORD_APPLICATION_ID=spec.application_id,
            DISCORD_REST_URL=simulated.rest_url if simulated else None,
            ALLOWED_ADDRESSES=",".join(simulated.allowed_addresses) if simulated else None,
            SHARDS=spec.gateway.shards,
            REGION=spec.regions[0].name,
            GATEWAY_PORT=PORT,
        ),
    )
