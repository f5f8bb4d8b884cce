"""Embeds: the limits Discord sets them and the shape it gives them back in. Pure."""

from legato_simulator.json_values import Json
from legato_simulator.problems import Form, Kinds

TOTAL = 6000
"""Characters of all embeds of a message together."""
_KINDS: Kinds = {
    "title": str,
    "description": str,
    "url": str,
    "timestamp": str,
    "color": int,
    "fields": list,
    "footer": dict,
    "author": dict,
    "image": dict,
    "thumbnail": dict,
    "video": dict,
    "type": str,
}
_TEXTS = {"title": 256, "description": 4096, "url": 2048}
"""https://discord.com/developers/docs/resources/message#embed-object-embed-limits"""


def check(form: Form, embeds: list[Json], place: tuple[str | int, ...]) -> None:
    """Note what is too long, too many or missing."""
    size = 0
    for index, embed in enumerate(embeds):
        here = (*place, index)
        size += _check_one(form, embed, here)
    if size > TOTAL:
        code, message = "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {TOTAL}"
        form.add(place, code, message)


def _check_one(form: Form, raw: Json, here: tuple[str | int, ...]) -> int:
    embed = form.typed(here, raw, _KINDS)
    for name, high in _TEXTS.items():
        if embed.get(name) is not None:
            form.length((*here, name), embed[name], 0, high)
    fields = form.items((*here, "fields"), embed.get("fields") or [], 25)
    for number, each in enumerate(fields):
        form.length((*here, "fields", number, "name"), each.get("name"), 1, 256)
        form.length((*here, "fields", number, "value"), each.get("value"), 1, 1024)
    footer, author = embed.get("footer") or {}, embed.get("author") or {}
    if footer:
        form.length((*here, "footer", "text"), footer.get("text"), 1, 2048)
    if author:
        form.length((*here, "author", "name"), author.get("name"), 1, 256)
    texts = [embed.get("title"), embed.get("description"), footer.get("text"), author.get("name")]
    texts += [text for each in fields for text in (each.get("name"), each.get("value"))]
    return sum(len(text) for text in texts if isinstance(text, str))


def shown(embed: Json) -> Json:
    """Give an embed the shape in which Discord returns it."""
    body = {key: value for key, value in embed.items() if value is not None}
    body["type"] = body.get("type", "rich")
    if "fields" in body:
        body["fields"] = [{**each, "inline": bool(each.get("inline"))} for each in body["fields"]]
    for media in ("image", "thumbnail", "video"):
        if media in body:
            url = body[media].get("url")
            body[media] = {"url": url, "proxy_url": url, "width": 0, "height": 0}
    for owner in ("footer", "author"):
        if owner in body:
            body[owner] = {key: value for key, value in body[owner].items() if value is not None}
    return body
