"""Message bodies as clients send them: checked against Discord's limits. Pure."""

import re
from dataclasses import dataclass, field
from enum import IntFlag

from legato_simulator import components, embeds
from legato_simulator.json_values import Json
from legato_simulator.problems import Form, Kinds, Problem


class Flag(IntFlag):
    """https://discord.com/developers/docs/resources/message#message-object-message-flags."""

    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    COMPONENTS_V2 = 1 << 15


SETTABLE = Flag.SUPPRESS_EMBEDS | Flag.SUPPRESS_NOTIFICATIONS | Flag.COMPONENTS_V2
CONTENT = 2000
_KINDS: Kinds = {
    "content": str,
    "embeds": list,
    "components": list,
    "flags": int,
    "allowed_mentions": dict,
    "attachments": list,
    "message_reference": dict,
    "sticker_ids": list,
    "tts": bool,
    "enforce_nonce": bool,
}
_USERS = re.compile(r"<@!?(\d{15,20})>")
_ROLES = re.compile(r"<@&(\d{15,20})>")


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart request."""

    field: str
    filename: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked body; `given` names the fields that an edit changes."""

    given: frozenset[str]
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    flags: int = 0
    tts: bool = False
    nonce: int | str | None = None
    enforce_nonce: bool = False
    reference: Json | None = None
    allowed_mentions: Json | None = None


def check(body: Json, uploads: list[Upload], *, edit: bool) -> Draft:
    """Check a body: 50035 with every finding, 50006 when there is nothing to send."""
    form = Form()
    given = frozenset(body)
    body = form.typed((), body, _KINDS)
    flags = body.get("flags", 0)
    v2 = bool(flags & Flag.COMPONENTS_V2)
    content = body.get("content") or ""
    form.length(("content",), content, 0, CONTENT)
    found = form.items(("embeds",), body.get("embeds") or [], 10)
    embeds.check(form, found, ("embeds",))
    rows = form.items(("components",), body.get("components") or [], 40 if v2 else 10)
    components.check(form, rows, v2=v2)
    if v2 and (content or found):
        message = "The 'content' and 'embeds' fields cannot be used with IS_COMPONENTS_V2."
        form.add(("flags",), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message)
    nonce = _nonce(form, body)
    _check_allowed_mentions(form, body.get("allowed_mentions"))
    attached = form.items(("attachments",), body.get("attachments", []), 10)
    form.raise_if_wrong()
    if not edit and not (content.strip() or found or rows or uploads or body.get("sticker_ids")):
        raise Problem(50006)
    return Draft(
        given=given | ({"attachments"} if uploads else frozenset()),
        content=content,
        embeds=[embeds.shown(each) for each in found],
        components=components.shown(rows),
        attachments=attached,
        flags=flags,
        tts=bool(body.get("tts")),
        nonce=nonce,
        enforce_nonce=bool(body.get("enforce_nonce")),
        reference=body.get("message_reference"),
        allowed_mentions=body.get("allowed_mentions"),
    )


def _nonce(form: Form, body: Json) -> int | str | None:
    nonce = body.get("nonce")
    if nonce is None or isinstance(nonce, int):
        return nonce
    form.length(("nonce",), nonce, 0, 25)
    return str(nonce)


def _check_allowed_mentions(form: Form, allowed: Json | None) -> None:
    """Naming users while allowing all of them is refused, as by Discord."""
    if not allowed:
        return
    kinds: Kinds = {"parse": list, "users": list, "roles": list, "replied_user": bool}
    allowed = form.typed(("allowed_mentions",), allowed, kinds)
    for kind in ("users", "roles"):
        listed = allowed.get(kind, [])
        if len(listed) > 100:
            message = "Must be 100 or fewer in length."
            form.add(("allowed_mentions", kind), "BASE_TYPE_MAX_LENGTH", message)
        if listed and kind in (allowed.get("parse") or []):
            message = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            form.add(("allowed_mentions",), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whom a text pings."""

    users: list[int]
    roles: list[int]
    everyone: bool


def mentions(content: str, allowed: Json | None) -> Mentions:
    """Find whom a text pings, as far as allowed_mentions lets it."""
    users = list(dict.fromkeys(int(found) for found in _USERS.findall(content)))
    roles = list(dict.fromkeys(int(found) for found in _ROLES.findall(content)))
    everyone = "@everyone" in content or "@here" in content
    if allowed is None:
        return Mentions(users, roles, everyone)
    parse = allowed.get("parse") or []
    return Mentions(
        users if "users" in parse else _listed(users, allowed.get("users")),
        roles if "roles" in parse else _listed(roles, allowed.get("roles")),
        everyone and "everyone" in parse,
    )


def _listed(found: list[int], listed: list[object] | None) -> list[int]:
    names = {str(each) for each in listed or []}
    return [each for each in found if str(each) in names]
