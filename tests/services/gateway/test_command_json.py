import json
import pathlib
import re

from legato.gateway.command_json import digest, of_registry

GOLDEN = pathlib.Path(__file__).parent / "golden" / "commands.json"
NAME = re.compile(r"[-_'\w]{1,32}")


def every_named_thing(documents):
    for document in documents:
        yield document
        yield from every_named_thing(document.get("options", []))


def test_what_discord_is_given_is_what_was_reviewed():
    """Write golden/commands.json anew only together with a look at what people will see."""
    assert of_registry() == json.loads(GOLDEN.read_text())


def test_names_and_descriptions_keep_discords_rules():
    for thing in every_named_thing(of_registry()):
        names = [thing["name"], *thing.get("name_localizations", {}).values()]
        assert all(NAME.fullmatch(name) and name == name.lower() for name in names), names
        descriptions = [thing["description"], *thing["description_localizations"].values()]
        assert all(1 <= len(description) <= 100 for description in descriptions)


def test_required_options_come_first():
    for thing in every_named_thing(of_registry()):
        required = [option.get("required", False) for option in thing.get("options", [])]
        assert required == sorted(required, reverse=True)


def test_the_digest_changes_with_any_word():
    documents = of_registry()
    changed = of_registry()
    changed[0]["description"] += "!"

    assert digest(documents) == digest(of_registry()) != digest(changed)
