import pytest

from legato_operator import names, release
from legato_operator.desired.manifest import Manifest


def _held(*by: str) -> Manifest:
    return {"metadata": {"name": "melody", "finalizers": list(by)}}


def test_what_is_held_by_us_is_let_go_of_and_what_others_hold_it_by_stays() -> None:
    assert release.let_go(_held(names.FINALIZER, "example.org/theirs")) == {
        "metadata": {"finalizers": ["example.org/theirs"]}
    }


@pytest.mark.parametrize("found", [_held(), _held("example.org/theirs"), {"metadata": {}}])
def test_what_nothing_of_ours_holds_is_left_alone(found: Manifest) -> None:
    assert release.let_go(found) is None


def test_without_the_operators_name_it_says_what_to_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert release.main({}) == 2

    assert "OPERATOR_DEPLOYMENT" in capsys.readouterr().err
