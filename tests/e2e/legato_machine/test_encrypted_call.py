from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from legato_machine.encrypted_call import all_was_opened
from legato_simulator.dave.policy import Policy
from legato_simulator.voice_call import Encryption
from legato_simulator.voice_ears import Heard

PERSON = SimpleNamespace(id="5")
HEARD = Heard(user_id=5, epoch=2, opened=100, early=3, undecryptable=0, invalid=0)
CALL = Encryption(
    guild_id=1,
    channel_id=2,
    policy=Policy.REQUIRED,
    version=1,
    epoch=2,
    members=[5, 7],
    changing=False,
    epochs=2,
    transitions=2,
    late_transitions=0,
    resets=0,
    flagged=0,
    refused=[],
    outrun=0,
    plain={},
    unheard=0,
    heard=[HEARD],
)


def test_who_came_later_may_have_heard_frames_too_early() -> None:
    all_was_opened(CALL)


def test_who_was_there_before_heard_at_most_so_many_frames_too_early() -> None:
    all_was_opened(CALL, there_before=PERSON, early=3)
    for most in (0, 2):
        with pytest.raises(AssertionError):
            all_was_opened(CALL, there_before=PERSON, early=most)


@pytest.mark.parametrize(
    "wrong",
    [
        {"heard": [replace(HEARD, undecryptable=1)]},
        {"heard": [replace(HEARD, opened=0)]},
        {"plain": {7: 1}},
        {"refused": ["op 28"]},
    ],
)
def test_a_frame_that_was_lost_or_came_plain_is_seen(wrong: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        all_was_opened(replace(CALL, **wrong))
