"""What an audit log says of rights that were used, and of those that were missing."""

import json
from pathlib import Path

from legato_cluster import audit
from legato_cluster.audit import Right

USER = "system:serviceaccount:music:legato"


def line(verb: str, code: int, user: str = USER, **place: str) -> str:
    said = {"verb": verb, "user": {"username": user}, "responseStatus": {"code": code}}
    return json.dumps(said | ({"objectRef": place} if place else {}))


def test_what_was_answered_was_used_and_what_was_not_was_refused(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    lines = [
        line("list", 200, resource="pods"),
        line("patch", 201, resource="deployments", apiGroup="apps"),
        line("patch", 409, resource="musicbots", apiGroup="legato.dev", subresource="status"),
        line("list", 403, resource="nodes"),
        line("delete", 200, "system:admin", resource="secrets"),
        line("get", 200),  # /version
    ]
    ending = json.loads(line("create", 403, resource="events"))
    ending["responseStatus"]["message"] = "namespace x: because it is being terminated"
    lines.append(json.dumps(ending))
    log.write_text("\n".join(lines) + "\n")

    assert audit.used(log, USER) == {
        Right("", "pods", "list"),
        Right("apps", "deployments", "patch"),
        Right("apps", "deployments", "create"),
        Right("legato.dev", "musicbots/status", "patch"),
    }
    assert audit.refused(log, USER) == {Right("", "nodes", "list")}


def test_a_line_that_is_just_being_written_is_none_yet(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    first, second = line("list", 200, resource="pods"), line("get", 200, resource="pods")
    log.write_text(f"{first}\n{second[:-9]}")

    assert audit.lines(log) == [first]
    assert audit.used(log, USER) == {Right("", "pods", "list")}

    log.write_text(f"{first}\n{second}\n")
    assert [one["verb"] for one in audit.entries(log, USER, since=1)] == ["get"]


def test_a_role_grants_each_verb_of_each_resource() -> None:
    rule = {"apiGroups": [""], "resources": ["pods", "events"], "verbs": ["list", "watch"]}

    assert audit.granted([rule]) == {
        Right("", resource, verb) for resource in ("pods", "events") for verb in ("list", "watch")
    }
