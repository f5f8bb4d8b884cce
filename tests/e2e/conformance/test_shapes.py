import msgspec
import pytest

from conformance import shapes

STATE = {"time": 1, "position": 2, "connected": True, "ping": -1}


def test_fields_beyond_a_shape_are_found_at_any_depth() -> None:
    raw = {"op": "playerUpdate", "guildId": "1", "state": {**STATE, "more": 1}, "else": 2}
    shape = msgspec.convert(raw, shapes.PlayerUpdate)
    assert shapes.undocumented(raw, shape, "U") == ["U.else", "U.state.more"]


def test_fields_in_lists_are_found() -> None:
    info = {"name": "a", "version": "1", "author": "b"}
    plugin = msgspec.convert(info, shapes.Plugin)
    assert shapes.undocumented([info], [plugin], "P") == ["P[].author"]


@pytest.mark.parametrize("missing", list(STATE))
def test_every_documented_field_must_be_there(missing: str) -> None:
    raw = {name: value for name, value in STATE.items() if name != missing}
    with pytest.raises(msgspec.ValidationError, match=missing):
        msgspec.convert(raw, shapes.PlayerState)


def test_every_event_has_its_shape() -> None:
    assert len(shapes.MESSAGES) == 8
