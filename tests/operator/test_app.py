import pytest

from legato_operator import app


def test_wrong_settings_are_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main({"LOOK_AGAIN": "sometimes"}) == 2

    assert "LOOK_AGAIN" in capsys.readouterr().err
