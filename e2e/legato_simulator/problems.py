"""Discord's REST errors: a code, its HTTP status and text, and the tree of form errors. No HTTP."""

from collections.abc import Mapping

from legato_simulator.json_values import Json

KNOWN: dict[int, tuple[int, str]] = {
    0: (401, "401: Unauthorized"),
    10002: (404, "Unknown Application"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10011: (404, "Unknown Role"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    10065: (404, "Unknown Voice State"),
    10066: (404, "Unknown application command permissions"),
    10067: (404, "Unknown Stage Instance"),
    20012: (403, "You are not authorized to perform this action on this application"),
    30032: (400, "Maximum number of application commands reached (100)"),
    30034: (400, "Max number of daily application command creates has been reached (200)"),
    40032: (400, "Target user is not connected to voice"),
    40060: (400, "Interaction has already been acknowledged"),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50109: (400, "The request body contains invalid JSON."),
}
"""https://discord.com/developers/docs/topics/opcodes-and-status-codes#json"""


class Problem(Exception):
    """An answer other than success."""

    def __init__(self, code: int, *, errors: Json | None = None, status: int | None = None) -> None:
        known_status, self.message = KNOWN[code]
        self.code = code
        self.status = status or known_status
        self.errors = errors
        super().__init__(f"{code}: {self.message}")

    def body(self) -> Json:
        """Write the answer's JSON."""
        body: Json = {"message": self.message, "code": self.code}
        return body if self.errors is None else body | {"errors": self.errors}


Kinds = Mapping[str, type]
"""The JSON types of an object's fields."""
TYPE_ERRORS: dict[type, tuple[str, str]] = {
    str: ("BASE_TYPE_STRING", "Must be a string."),
    int: ("NUMBER_TYPE_COERCE", "Value is not int."),
    bool: ("BOOLEAN_TYPE_CONVERT", "Must be either true or false."),
    list: ("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"),
    dict: ("MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType"),
}
OTHER_TYPE = ("BASE_TYPE_BAD_TYPE", "This value is of the wrong type.")


def _is_misused_bool(value: object, kind: type) -> bool:
    return isinstance(value, bool) and kind is int


class Form:
    """Collects what is wrong with a request body, each finding at its place in the tree."""

    def __init__(self) -> None:
        self._errors: Json = {}

    def add(self, path: tuple[str | int, ...], code: str, message: str) -> None:
        """Note one finding at a path such as ("embeds", 0, "title")."""
        place = self._errors
        for key in path:
            place = place.setdefault(str(key), {})
        place.setdefault("_errors", []).append({"code": code, "message": message})

    def typed(self, path: tuple[str | int, ...], found: Json, kinds: Kinds) -> Json:
        """Check the JSON types of known fields; what is null or of a wrong type is left out."""
        kept: Json = {}
        for name, value in found.items():
            kind = kinds.get(name)
            if value is None:
                continue
            if kind is None or (isinstance(value, kind) and not _is_misused_bool(value, kind)):
                kept[name] = value
            else:
                code, message = TYPE_ERRORS.get(kind, OTHER_TYPE)
                self.add((*path, name), code, message)
        return kept

    def length(self, path: tuple[str | int, ...], text: object, low: int, high: int) -> None:
        """Check that a text is one, and of an allowed length."""
        if not isinstance(text, str):
            self.add(path, "BASE_TYPE_STRING", "Must be a string.")
        elif len(text) > high and low == 0:
            message = f"Must be {high} or fewer in length."
            self.add(path, "BASE_TYPE_MAX_LENGTH", message)
        elif not low <= len(text) <= high:
            message = f"Must be between {low} and {high} in length."
            self.add(path, "BASE_TYPE_BAD_LENGTH", message)

    def items(self, path: tuple[str | int, ...], found: object, high: int) -> list[Json]:
        """Check that a value is a short enough list of objects, and return its objects."""
        if not isinstance(found, list):
            self.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if len(found) > high:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")
        for index, item in enumerate(found):
            if not isinstance(item, dict):
                self.add((*path, index), "MODEL_TYPE_CONVERT", "Only dictionaries may be used.")
        return [item for item in found if isinstance(item, dict)]

    @property
    def fine(self) -> bool:
        """Whether nothing was found so far."""
        return not self._errors

    def raise_if_wrong(self) -> None:
        """Refuse the request when anything was found."""
        if self._errors:
            raise Problem(50035, errors=self._errors)
