import base64

from legato_operator import passwords


def test_a_new_password_keeps_the_one_before_for_nodes_that_have_it() -> None:
    first = passwords.renewed({})
    known = {key: base64.b64decode(value).decode() for key, value in first.items()}

    second = passwords.renewed(known)

    assert set(first) == {"password"}
    assert second["previous"] == first["password"] != second["password"]
    assert len(known["password"]) >= 32
