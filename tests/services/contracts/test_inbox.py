"""Every golden message belongs to a conversation, and the inbox takes its two."""

import msgspec
import pytest

import support_golden
from legato.contracts.actions import Actions, Answer
from legato.contracts.asking import Choices, Search
from legato.contracts.fleet import Directive, Observed
from legato.contracts.inbox import Message

EVERYTHING = (Message, Actions, Answer, Search, Choices, Directive, Observed)


def test_there_is_one_golden_message_for_every_tag() -> None:
    written = sorted(path.stem for path in support_golden.GOLDEN.glob("*.json"))

    assert written == support_golden.tags(*EVERYTHING)


@pytest.mark.parametrize("tag", support_golden.tags(Message))
def test_the_inbox_takes_commands_and_voice_events(tag: str) -> None:
    support_golden.assert_understood(Message, tag)


def test_an_unknown_tag_is_an_error_and_an_unknown_field_is_not() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type": "playback.dance.v1"}', type=Message)
    known = msgspec.json.decode(support_golden.read("playback.pause.v1"))

    newer = msgspec.json.encode(known | {"added_later": 1})

    assert msgspec.json.decode(newer, type=Message)
