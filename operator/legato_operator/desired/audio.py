"""The pods that own a region's players. Pure."""

from collections.abc import Callable

from legato_operator import names
from legato_operator.desired import frame as frames
from legato_operator.desired import pods
from legato_operator.desired.frame import Frame
from legato_operator.desired.manifest import Manifest
from legato_operator.resources.musicbot import Region

COMPONENT = "audio"
PORT = 3002


def deployment(frame: Frame, region: Region) -> Manifest:
    """Make a region's Deployment of the revision that the spec asks for."""
    spec = frame.spec
    redis, redis_files = frame.connected("REDIS", spec.redis)
    database, database_files = frame.connected("DATABASE", spec.database)
    told = pods.said(
        DISCORD_APPLICATION_ID=spec.application_id,
        REGION=region.name,
        SEARCH_PREFIX=spec.search_prefix,
        AUDIO_PORT=PORT,
    )
    shape = pods.Shape(
        component=COMPONENT,
        image=frame.image(COMPONENT),
        args=(COMPONENT,),
        resources=region.audio.resources,
        env=(*frames.member(), *redis, *database, *told),
        port=PORT,
        files=(*redis_files, *database_files),
        spread=region.spread,
        machines=region.node_selector,
        account=names.joined(frame.name, "services"),
    )
    used = pods.secret_refs(spec.redis, spec.database)
    secrets = frame.secrets_hash(*used)
    return frames.deployment(frame, shape, secrets=secrets, region=region.name)


def of_region(name: str) -> Callable[[Frame], Manifest | None]:
    """Make the Deployment of a region of whatever spec; nothing where that has no such region."""

    def make(frame: Frame) -> Manifest | None:
        found = next((one for one in frame.spec.regions if one.name == name), None)
        return deployment(frame, found) if found else None

    return make
