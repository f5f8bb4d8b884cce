import pathlib

import pytest

from legato import settings
from legato.embedded import options


def test_a_dotenv_file_is_read_with_quotes_and_comments(tmp_path: pathlib.Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nDISCORD_TOKEN = 'a b'\nexport NODES=2 # two\nEMPTY=\n")

    found = options.environment({}, file, {})

    assert found == {"DISCORD_TOKEN": "a b", "NODES": "2", "EMPTY": ""}


def test_the_command_wins_over_the_environment_and_that_over_the_file(
    tmp_path: pathlib.Path,
) -> None:
    file = tmp_path / ".env"
    file.write_text("NODES=1\nAPI_PORT=1\nREDIS_PORT=1\n")

    merged = options.environment({"NODES": "2", "API_PORT": "2"}, file, {"NODES": "3"})

    assert merged == {"NODES": "3", "API_PORT": "2", "REDIS_PORT": "1"}


def test_a_token_may_come_from_a_file(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "token"
    file.write_text("a.b.c\n")

    found = settings.load(options.Options, {"DISCORD_TOKEN_FILE": str(file)})

    assert found.discord_token is not None
    assert found.discord_token.reveal() == "a.b.c"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b"NODES=2\nDISCORD_TOKEN='hidden\n", "can't be read in line 2"),
        (b"NODES=\xff\n", "it is no UTF-8 text"),
    ],
)
def test_a_line_of_the_file_that_can_not_be_read_is_told_without_it(
    tmp_path: pathlib.Path, written: bytes, told: str
) -> None:
    file = tmp_path / ".env"
    file.write_bytes(written)

    with pytest.raises(settings.WrongSettings, match=told) as raised:
        options.environment({}, file, {})

    assert "hidden" not in str(raised.value)
