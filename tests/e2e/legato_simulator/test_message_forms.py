from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from legato_simulator import command_forms, message_forms
from legato_simulator.problems import Form, Problem

SCALAR = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
FIELDS = ["type", "title", "fields", "name", "value", "footer", "text", "components", "options"]
FIELDS += ["custom_id", "style", "label", "url", "emoji", "choices", "image", "id", "author"]
ANY: st.SearchStrategy[Any] = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
KEYS = ["content", "embeds", "components", "flags", "nonce", "allowed_mentions", "attachments"]
BODY = st.dictionaries(st.sampled_from(KEYS), ANY, max_size=5)
COMMAND = st.dictionaries(
    st.sampled_from(
        ["name", "description", "options", "type", "name_localizations", "choices", "required"]
    ),
    ANY,
    max_size=6,
)


@given(body=BODY)
@settings(max_examples=300, deadline=None)
def test_any_body_is_taken_or_refused_with_a_reason(body: dict[str, Any]) -> None:
    try:
        draft = message_forms.check(body, [], edit=False)
    except Problem as problem:
        event(f"refused with {problem.code}")
    else:
        assert len(draft.content) <= 2000


@given(body=COMMAND)
@settings(max_examples=300, deadline=None)
def test_any_command_is_taken_or_refused_with_a_reason(body: dict[str, Any]) -> None:
    form = Form()
    command_forms.check(form, body)
    if form.fine:
        command_forms.shown(body, command_id=1, application_id=1, version=1)


@given(text=st.text(), user=st.integers(10**16, 10**19))
def test_who_is_named_is_pinged_unless_forbidden(text: str, user: int) -> None:
    content = f"{text} <@{user}>"

    assert user in message_forms.mentions(content, None).users
    assert message_forms.mentions(content, {"parse": []}).users == []
    allowed = {"parse": [], "users": [str(user)]}
    assert message_forms.mentions(content, allowed).users == [user]
