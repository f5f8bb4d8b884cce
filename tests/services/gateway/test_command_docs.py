from legato.gateway.command_docs import render
from legato.gateway.commands import REGISTRY


def test_every_command_and_option_is_on_the_page():
    page = render()

    for command in REGISTRY:
        assert f"\n## /{command.path}\n" in page
        assert command.help in page
        for option in command.options:
            assert f"| `{option.name}` |" in page
