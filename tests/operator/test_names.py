from hypothesis import given
from hypothesis import strategies as st

from legato_operator import names


@given(st.text(min_size=1), st.uuids())
def test_a_secrets_fingerprint_is_one_resources_own(secret: str, uid: object) -> None:
    said = names.fingerprint(secret, str(uid))

    assert said == names.fingerprint(secret, str(uid))
    assert said != names.fingerprint(secret, "another")
    assert said != names.revision(secret)


def test_pods_that_carry_the_form_of_before_are_known_by_it() -> None:
    assert names.fingerprints("secret", "uid") == (
        names.fingerprint("secret", "uid"),
        names.revision("secret"),
    )
