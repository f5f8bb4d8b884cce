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


def lines(log: Path) -> list[str]:
    """Read what is written; a last line that is just being written is none yet."""
    *whole, _ = log.read_text(errors="replace").split("\n")
    return whole


def entries(log: Path, user: str, since: int = 0) -> Iterator[Json]:
    """Read what a user asked for, from a line of the log on."""
    for line in lines(log)[since:]:
        if f'"{user}"' in line and (said := json.loads(line))["user"]["username"] == user:
            yield said


def _asked(log: Path, user: str) -> Iterator[tuple[int, Right]]:
    for said in entries(log, user):
        if "objectRef" not in said:
            continue
        place, code = said["objectRef"], said.get("responseStatus", {}).get("code", 0)
        if not place.get("resource") or ENDING in said.get("responseStatus", {}).get("message", ""):
            continue
        parts = (place["resource"], place.get("subresource"))
        right = Right(place.get("apiGroup", ""), "/".join(filter(None, parts)), said["verb"])
        yield code, right
        if right.verb == "patch" and code == CREATED:  # server-side apply asks for both
            yield code, right._replace(verb="create")
