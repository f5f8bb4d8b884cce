"""What tests of the operator share: resources from YAML, and their objects."""

from pathlib import Path

import msgspec
import yaml

from legato_operator.desired import audio, bot, gateway, monitoring, nodes, pinned, worker
from legato_operator.desired.frame import Frame, sized
from legato_operator.desired.manifest import Manifest, Owner
from legato_operator.resources.lavalinknode import NodeSpec
from legato_operator.resources.musicbot import BotSpec

HASH = "1a2b3c4d"
"""Of whatever a Secret holds."""
CASES = Path(__file__).parents[1] / "operator" / "cases"


def names() -> list[str]:
    """List the cases."""
    return sorted(folder.name for folder in CASES.iterdir())


def read(case: str) -> Manifest:
    """Read a case's resource."""
    found: Manifest = yaml.safe_load((CASES / case / "input.yaml").read_text())
    return found


def owner(resource: Manifest) -> Owner:
    """Say whose the objects are."""
    said = resource["metadata"]
    return Owner(resource["kind"], said["name"], said["namespace"], said["uid"])


def objects(resource: Manifest) -> list[Manifest]:
    """Make all objects of a resource, two pods of each that is counted."""
    if resource["kind"] == "LavalinkNode":
        wanted = msgspec.convert(resource["spec"], NodeSpec)
        group = nodes.Group(owner(resource), wanted, HASH)
        monitors = monitoring.of_nodes(group.owner, monitoring.KINDS)
        return nodes.objects(group, nodes.bare(group), 2) + monitors
    spec = msgspec.convert(resource["spec"], BotSpec)
    hashes = dict.fromkeys(pinned.read_by(spec).values(), HASH)
    frame = Frame(owner(resource), spec, "1.2.3", hashes)
    rolled = [gateway.deployment(frame)]
    rolled += [audio.deployment(frame, region) for region in frame.spec.regions]
    return [
        *bot.objects(frame, monitoring.KINDS),
        worker.migration(frame),
        *(sized(one, 2) for one in rolled),
    ]
