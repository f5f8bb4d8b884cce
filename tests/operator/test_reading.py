import base64

import pytest

from legato_operator import names, reading
from legato_operator.desired.manifest import Manifest

UID = "0001"


def nodes_with(password: str) -> Manifest:
    """Make a StatefulSet whose pods carry a password's hash."""
    template = {"metadata": {"annotations": {names.SECRETS: password}}}
    return {"kind": "StatefulSet", "spec": {"template": template}}


def secret(**data: str) -> Manifest:
    return {"data": {key: base64.b64encode(one.encode()) for key, one in data.items()}}


def test_a_password_is_known_by_every_form_first_by_that_which_its_nodes_carry() -> None:
    found = secret(password="now", previous="then")
    today, before = names.fingerprints("now", UID)

    new = reading.passwords_of(found, "password", UID, [nodes_with(today)])
    old = reading.passwords_of(found, "password", UID, [nodes_with(before)])
    rotated = reading.passwords_of(found, "password", UID, [nodes_with("another")])

    assert [*new][:2] == [*rotated][:2] == [today, before]
    assert [*old][:2] == [before, today]
    assert [*new.values()] == ["now", "now", "then", "then"]
    assert {new[one] for one in names.fingerprints("then", UID)} == {"then"}


@pytest.mark.parametrize(
    ("spec", "follows"),
    [
        ({}, False),
        ({"upgrade": "Manual"}, False),
        ({"upgrade": "Automatic"}, True),
        ({"upgrade": "Automatic", "paused": True}, False),
    ],
)
def test_a_bot_that_takes_no_release_by_itself_holds_up_nobody(
    spec: dict[str, object], follows: bool
) -> None:
    found = {"metadata": {"namespace": "music", "name": "melody"}, "spec": spec}

    assert reading.peer(found).follows is follows


def test_a_bot_whose_application_another_has_holds_up_nobody_either() -> None:
    said = {"type": "Ready", "status": "False", "reason": "ApplicationInUse"}
    found = {
        "metadata": {"namespace": "music", "name": "melody"},
        "spec": {"upgrade": "Automatic"},
        "status": {"conditions": [said]},
    }

    assert not reading.peer(found).follows


def test_what_is_no_text_counts_as_not_there() -> None:
    """PowerShell writes files as UTF-16, and kubectl takes them as they are."""
    content = base64.b64encode("token".encode("utf-16")).decode()

    assert reading.decoded({"data": {"token": content}}, "token") == ""
