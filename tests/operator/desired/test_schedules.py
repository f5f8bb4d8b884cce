import pytest

from legato_operator.desired import schedules


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "17 */6 * * *",
        "0,30 8-18/2 1 jan-MAR MON-fri",
        "5/15 ? * * 0",
        "@hourly",
        "@every 1h30m",
    ],
)
def test_what_kubernetes_reads_is_fine(text: str) -> None:
    assert schedules.fault(text) == ""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("* * * *", "it has 4 fields, and 5 are needed"),
        ("60 * * * *", "60 is no minute"),
        ("* 24 * * *", "24 is no hour"),
        ("* * 0 * *", "0 is no day of the month"),
        ("* * * 13 *", "13 is no month"),
        ("* * * * 7", "7 is no day of the week"),
        ("*/0 * * * *", "*/0 is no minute"),
        ("9-5 * * * *", "9-5 is no minute"),
        ("soon * * * *", "soon is no minute"),
        ("@sometimes", "@sometimes is no word for a schedule, such as @hourly"),
        ("TZ=UTC * * * * *", "its time zone is always UTC"),
    ],
)
def test_what_it_does_not_read_is_said_in_words(text: str, fault: str) -> None:
    assert schedules.fault(text) == fault
