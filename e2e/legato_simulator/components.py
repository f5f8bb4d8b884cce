"""Message components and modals: limits, and the shape Discord returns them in. Pure."""

from collections.abc import Iterator

from legato_simulator.json_values import Json
from legato_simulator.problems import Form, Kinds

_KINDS: Kinds = {
    "type": int,
    "components": list,
    "custom_id": str,
    "label": str,
    "url": str,
    "options": list,
    "emoji": dict,
    "style": int,
    "id": int,
    "accessory": dict,
    "component": dict,
    "items": list,
    "media": dict,
    "file": dict,
    "content": str,
}
ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SELECTS = frozenset({3, 5, 6, 7, 8})
LAYOUT = frozenset({1, 9, 10, 12, 13, 14, 17})
"""Types that may stand at the top of a message with IS_COMPONENTS_V2."""
LINK, PREMIUM = 5, 6
GALLERY = 12
_CHILDREN = ("components", "accessory", "component")
_MEDIA = ("media", "file")


def check(form: Form, rows: list[Json], *, v2: bool) -> None:
    """Note what Discord would refuse in a message's components."""
    if not v2 and len(rows) > 5:
        form.add(("components",), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    seen: set[str] = set()
    _check_types(form, rows, ("components",))
    for index, row in enumerate(rows):
        here: tuple[str | int, ...] = ("components", index)
        allowed = LAYOUT if v2 else {ROW}
        if not isinstance(row.get("type"), int) or row["type"] not in allowed:
            message = f'Value of field "type" must be one of {sorted(allowed)}.'
            form.add((*here, "type"), "UNION_TYPE_CHOICES", message)
        elif row["type"] == ROW:
            _check_row(form, row, here, seen)
    if form.fine and v2 and sum(1 for _ in walk(rows)) > 40:
        form.add(("components",), "MAX_NUMBER_OF_COMPONENTS", "The maximum is 40 components.")


def _check_types(form: Form, rows: list[Json], place: tuple[str | int, ...]) -> None:
    for index, component in enumerate(rows):
        here = (*place, index)
        known = form.typed(here, component, _KINDS)
        if "type" not in known:
            form.add((*here, "type"), "BASE_TYPE_REQUIRED", "This field is required")
        for name in ("components", "items"):
            nested = form.items((*here, name), known.get(name, []), 40)
            if name == "components":
                _check_types(form, nested, (*here, name))
        if known.get("type") == GALLERY:
            _check_media(form, known.get("items", []), here)
        for name in ("accessory", "component"):
            if name in known:
                _check_types(form, [known[name]], (*here, name))


def _check_media(form: Form, items: list[Json], here: tuple[str | int, ...]) -> None:
    for index, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("media"), dict):
            message = "This field is required"
            form.add((*here, "items", index, "media"), "BASE_TYPE_REQUIRED", message)


def _check_row(form: Form, row: Json, here: tuple[str | int, ...], seen: set[str]) -> None:
    children = form.items((*here, "components"), row.get("components"), 5)
    if not children:
        message = "Must be between 1 and 5 in length."
        form.add((*here, "components"), "BASE_TYPE_BAD_LENGTH", message)
    if len(children) > 1 and any(child.get("type") in list(SELECTS) for child in children):
        message = "A select menu takes a whole row."
        form.add((*here, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)
    for index, child in enumerate(children):
        _check_child(form, child, (*here, "components", index), seen)


def _check_child(form: Form, child: Json, here: tuple[str | int, ...], seen: set[str]) -> None:
    style, kind = child.get("style"), child.get("type")
    if kind == BUTTON:
        if child.get("label") is not None:
            form.length((*here, "label"), child["label"], 0, 80)
        if style == LINK:
            form.length((*here, "url"), child.get("url"), 1, 512)
        if style in (LINK, PREMIUM):
            return
        if not child.get("label") and not child.get("emoji"):
            message = "A label or emoji is required."
            form.add((*here, "label"), "BUTTON_COMPONENT_LABEL_REQUIRED", message)
    if kind == STRING_SELECT:
        options = form.items((*here, "options"), child.get("options") or [], 25)
        for number, option in enumerate(options):
            form.length((*here, "options", number, "label"), option.get("label"), 1, 100)
            form.length((*here, "options", number, "value"), option.get("value"), 1, 100)
    _check_custom_id(form, child, here, seen)


def _check_custom_id(form: Form, child: Json, here: tuple[str | int, ...], seen: set[str]) -> None:
    custom_id = child.get("custom_id")
    if custom_id is None:
        form.add((*here, "custom_id"), "BASE_TYPE_REQUIRED", "This field is required")
        return
    form.length((*here, "custom_id"), custom_id, 1, 100)
    if str(custom_id) in seen:
        message = "Component custom id cannot be duplicated"
        form.add((*here, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message)
    seen.add(str(custom_id))


def check_modal(form: Form, data: Json) -> None:
    """Note what Discord would refuse in a modal."""
    form.length(("data", "custom_id"), data.get("custom_id"), 1, 100)
    form.length(("data", "title"), data.get("title"), 1, 45)
    rows = form.items(("data", "components"), data.get("components"), 5)
    if not rows:
        message = "Must be between 1 and 5 in length."
        form.add(("data", "components"), "BASE_TYPE_BAD_LENGTH", message)


def shown(rows: list[Json]) -> list[Json]:
    """Give components the shape in which Discord returns them: every one with an id."""
    taken = {each["id"] for each in walk(rows) if each.get("id")}
    fresh = (number for number in range(1, 10_000) if number not in taken)
    return [_shown(row, fresh) for row in rows]


def _shown(component: Json, fresh: Iterator[int]) -> Json:
    body = {key: value for key, value in component.items() if value is not None}
    body["id"] = body.get("id") or next(fresh)
    if "components" in body:
        body["components"] = [_shown(child, fresh) for child in body["components"]]
    for name in ("accessory", "component"):
        if name in body:
            body[name] = _shown(body[name], fresh)
    for name in _MEDIA:
        if name in body:
            body[name] = _media(body[name])
    if body.get("type") == GALLERY:
        items = body.get("items", [])
        body["items"] = [{**item, "media": _media(item["media"])} for item in items]
    return _with_defaults(body)


def _with_defaults(body: Json) -> Json:
    kind = body.get("type")
    if kind in SELECTS:
        body.setdefault("min_values", 1)
        body.setdefault("max_values", 1)
    if kind == BUTTON and isinstance(emoji := body.get("emoji"), dict):
        body["emoji"] = {key: value for key, value in emoji.items() if value is not None}
        body["emoji"].setdefault("name", "emoji")
    return body


def _media(media: Json) -> Json:
    url = media.get("url")
    return {"id": "1", "url": url, "proxy_url": url, "width": 0, "height": 0, "content_type": None}


def walk(components: list[Json]) -> Iterator[Json]:
    """Visit every component, nested ones too."""
    for component in components:
        yield component
        for name in _CHILDREN:
            nested = component.get(name)
            if isinstance(nested, list):
                yield from walk(nested)
            elif isinstance(nested, dict):
                yield from walk([nested])


def find(components: list[Json], custom_id: str) -> Json | None:
    """Find the component with a custom id."""
    return next((each for each in walk(components) if each.get("custom_id") == custom_id), None)
