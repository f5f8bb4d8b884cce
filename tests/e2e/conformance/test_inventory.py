import msgspec

from conformance import inventory, shapes


def test_fields_and_their_values_are_named_at_any_depth() -> None:
    named = inventory.everything()

    assert named["Player.guildId"] == "answer"
    assert named["TrackInfo.isrc"] == "answer"
    assert named["TrackEnd.reason=loadFailed"] == "answer"
    assert named["ExceptionInfo.severity=suspicious"] == "answer"
    assert named["FrameStats.deficit"] == "answer"
    assert named["PATCH /v4/sessions/*/players/*: filters.karaoke.filterWidth"] == "request"


def test_what_never_comes_is_not_asked_for() -> None:
    named = inventory.everything()

    assert "Stats.frameStats" not in named
    assert "StatsMessage.frameStats" in named


def test_an_answer_meets_what_it_brings_and_no_null() -> None:
    raw = {"class": "NanoIpRoutePlanner", "details": None}
    planner = msgspec.convert(raw, shapes.RoutePlanner)

    assert set(inventory.answered(raw, planner)) == {
        "RoutePlanner.class",
        "RoutePlanner.class=NanoIpRoutePlanner",
    }


def test_lists_are_looked_into() -> None:
    raw = [{"name": "a", "version": "1"}]

    met = set(inventory.answered(raw, [msgspec.convert(raw[0], shapes.Plugin)]))

    assert {"Plugin.name", "Plugin.version"} <= met


def test_a_request_meets_its_route_and_what_it_sent() -> None:
    path = "/v4/sessions/abc/players/12"
    body = {"filters": {"equalizer": [{"band": 0}]}, "track": {"encoded": None}}

    met = set(inventory.requested("PATCH", path, {"noReplace": "true"}, body, 200))

    route = "PATCH /v4/sessions/*/players/*"
    assert {"200", route, f"{route}: ?noReplace", f"{route}: track.encoded"} <= met
    assert f"{route}: filters.equalizer" in met
    assert met & set(inventory.everything()) == met - {
        f"{route}: {name}" for name in ("noReplace", "filters", "track", "filters.equalizer.band")
    }


def test_a_refusal_meets_its_status_alone() -> None:
    assert list(inventory.requested("GET", "/version", {}, None, 401)) == ["401"]


def test_what_is_not_met_says_why_that_may_be() -> None:
    rows = inventory.unmet(set(inventory.everything()) - {"TrackEnd.reason=cleanup"})

    assert rows == [
        ("answer", "TrackEnd.reason=cleanup", inventory.CAN_NOT["TrackEnd.reason=cleanup"])
    ]
    assert inventory.unmet(set(inventory.everything())) == []
