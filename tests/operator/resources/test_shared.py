from legato_operator.resources.shared import EnvVar, LabelSelector, PodOverrides, SecretRef

NEEDED = EnvVar(name="A", value_from={"secretKeyRef": {"name": "extra", "key": "a"}})
SPARE = EnvVar(name="B", value_from={"secretKeyRef": {"name": "b", "key": "b", "optional": True}})
OTHERS = (
    EnvVar(name="C", value="c"),
    EnvVar(name="D", value_from={"fieldRef": {"fieldPath": "x"}}),
)


def test_pods_read_the_secrets_of_their_environment_and_whom_they_trust() -> None:
    trusted = SecretRef(name="company", key="ca.crt")
    added = PodOverrides(ca_secret_ref=trusted, env=(NEEDED, SPARE, *OTHERS))

    extra, spare = SecretRef(name="extra", key="a"), SecretRef(name="b", key="b")
    assert added.secrets() == (trusted, extra, spare)
    assert added.secrets(optional=False) == (trusted, extra)
    assert PodOverrides().secrets() == ()


def test_an_empty_selector_means_all() -> None:
    assert LabelSelector().matches({})
    assert LabelSelector(match_labels={"a": "b"}).matches({"a": "b", "c": "d"})
    assert not LabelSelector(match_labels={"a": "b"}).matches({"c": "d"})
