from conformance.differences import Difference, Way
from conformance.report import Case, markdown

PASSED = Case("test_info.py::test_it_answers", "passed", "A sentence", "rest.md")
LACKING = Case("test_voice.py::test_it_joins[a|b]", "lacks", "Another", "measured", "no\nsound")
DIFFERENCES = {"way": Difference("one", "two", "somewhere")}


def test_what_lacks_is_named_with_its_sentence_and_reason() -> None:
    text = markdown("it", [PASSED, LACKING], DIFFERENCES, {}, set(), set())
    assert "# Conformance of it" in text
    assert "| info | 1 | 0 | 0 |" in text
    assert "| voice | 0 | 1 | 0 |" in text
    row = "| voice | it joins[a\\|b] | “Another” (Lavalink 4.2.2) | no sound |"
    assert row in text
    assert "it answers" not in text


def test_nothing_lacking_is_said() -> None:
    assert "Nothing." in markdown("it", [PASSED], DIFFERENCES, {}, set(), set())


def test_a_difference_shows_the_way_that_was_seen() -> None:
    seen = {"way": {Way.OFFICIAL}}
    text = markdown("it", [PASSED], DIFFERENCES, seen, set(), set())
    assert "| way | one | two | as the official server | somewhere |" in text
    assert "| way | one | two | not met | somewhere |" in markdown(
        "it", [], DIFFERENCES, {}, set(), set()
    )


def test_fields_beyond_the_documents_are_named() -> None:
    assert "`Player.more`" in markdown("it", [PASSED], DIFFERENCES, {}, {"Player.more"}, set())


def test_what_was_not_met_is_named_with_why_that_may_be() -> None:
    text = markdown("it", [PASSED], DIFFERENCES, {}, set(), {"GET /version", "200"})
    assert "| answer | `TrackEnd.reason=cleanup` | comes once" in text
    assert "| route | `GET /version` |" not in text
    assert "2 of " in text
