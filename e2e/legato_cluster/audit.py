"""What somebody asked of an API server, by its audit log, beside what a role grants.

https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

CREATED, REFUSED = 201, 403
ENDING = "because it is being terminated"
"""Said of a namespace with a 403 too, whatever the rights are."""
Json = Any


class Right(NamedTuple):
    """One thing that may be done with one kind of resource."""

    group: str
    resource: str
    """Its part included: pods, musicbots/status."""
    verb: str


def granted(rules: Iterable[Json]) -> set[Right]:
    """List what a role's rules grant, names aside."""
    return {
        Right(group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used(log: Path, user: str) -> set[Right]:
    """List the rights that a user's answered questions took."""
    return {right for code, right in _asked(log, user) if code != REFUSED}


def refused(log: Path, user: str) -> set[Right]:
    """List what a user asked for without a right to it."""
    return {right for code, right in _asked(log, user) if code == REFUSED}


def _asked(log: Path, user: str) -> Iterator[tuple[int, Right]]:
    for line in log.read_text().splitlines():
        if f'"{user}"' not in line:
            continue
        said = json.loads(line)
        if said["user"]["username"] != user or "objectRef" not in said:
            continue
        place, code = said["objectRef"], said.get("responseStatus", {}).get("code", 0)
        if not place.get("resource") or ENDING in said.get("responseStatus", {}).get("message", ""):
            continue
        parts = (place["resource"], place.get("subresource"))
        right = Right(place.get("apiGroup", ""), "/".join(filter(None, parts)), said["verb"])
        yield code, right
        if right.verb == "patch" and code == CREATED:  # server-side apply asks for both
            yield code, right._replace(verb="create")
