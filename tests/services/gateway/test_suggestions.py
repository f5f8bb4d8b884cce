"""What is offered while somebody types: soon, fitting, and nothing rather than an error."""

import msgspec
import pytest

from legato.clock import ServerClock
from legato.contracts import keys
from legato.contracts.asking import Choice, Choices
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.gateway import events
from legato.gateway.suggestions import Suggestions


class Everything:
    """Bus, producer and limits at once: finds what it is told to, and keeps what was asked."""

    def __init__(self, *found, wait=0, error=None):
        self.found = Choices(choices=found)
        self.delay = wait
        self.error = error
        self.asked = []
        self.flags = set()
        self.is_away = False

    async def ask(self, key, question, **_):
        self.asked.append((key, question))
        if self.error:
            raise self.error
        return self.found

    def partition(self, _guild_id):
        return Partition(1, "paris", 3)

    async def take(self, _policy, _subject):
        return self.delay

    async def is_on(self, name, guild_id):
        return (name, guild_id) in self.flags


def typed(text):
    option = events.Option(name="query", type=3, value=text, focused=True)
    data = events.InteractionData(name="play", options=(option,))
    user = events.User(id=7)
    return events.Interaction(
        id=1, application_id=1, type=4, token="t", guild_id=5, user=user, data=data
    )


async def found(means, text="a so"):
    clock = ServerClock()
    return await Suggestions(1, means, means, means, clock, means, means).find(typed(text))


async def test_the_workers_of_the_guilds_home_are_asked_with_a_deadline():
    means = Everything(Choice(name="A Song", value="https://example.org/a"))

    assert await found(means) == [{"name": "A Song", "value": "https://example.org/a"}]
    [(key, question)] = means.asked
    assert key == keys.requests(1, "paris")
    assert (question.text, question.guild_id) == ("a so", 5)
    assert 0 < question.expires_at - ServerClock().now() <= 1500


async def test_choices_fit_discords_limits():
    song = Choice(name="A\u202e" + "x" * 200, value="https://example.org/a")
    long = Choice(name="too long a link", value="https://example.org/" + "x" * 100)
    empty = Choice(name="nothing", value="")

    offered = await found(Everything(long, empty, *[song] * 40))

    assert len(offered) == 25
    assert {len(choice["name"]) <= 100 for choice in offered} == {True}
    assert "\u202e" not in offered[0]["name"]
    assert {choice["value"] for choice in offered} == {"https://example.org/a"}


@pytest.mark.parametrize("text", ["a\u202eb", "a\u200bb", "x" * 501])
async def test_tricks_are_asked_of_nobody(text):
    means = Everything(Choice(name="A", value="a"))

    assert await found(means, text) == []
    assert means.asked == []


async def test_where_a_flag_turns_it_off_nothing_is_asked():
    means = Everything(Choice(name="a", value="b"))
    means.flags = {("autocomplete_off", 5)}

    assert await found(means) == []
    assert means.asked == []


async def test_who_types_too_fast_is_offered_nothing():
    means = Everything(Choice(name="A", value="a"), wait=1)

    assert await found(means) == []
    assert means.asked == []


async def test_nothing_is_asked_while_redis_is_known_to_be_away():
    means = Everything(Choice(name="A", value="a"))
    means.is_away = True

    assert await found(means) == []
    assert means.asked == []


@pytest.mark.parametrize("error", [None, Unavailable("redis", "away")])
async def test_nothing_is_offered_where_nothing_answers(error):
    assert await found(Everything(error=error)) == []


def test_a_question_can_be_read_by_the_workers():
    assert msgspec.json.decode(msgspec.json.encode(Choices()), type=Choices) == Choices()
