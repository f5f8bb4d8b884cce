from typing import Any

import pytest

from legato_simulator.openapi import OpenApi
from legato_simulator.recorder import Exchange
from support_discord import description_or_skip


@pytest.fixture(scope="module")
def description() -> OpenApi:
    return OpenApi(description_or_skip())


def exchange(**more: Any) -> Exchange:
    values: dict[str, Any] = {
        "at": 0.0,
        "bot_id": None,
        "method": "GET",
        "path": "/gateway",
        "route": "/gateway",
        "query": {},
        "content_type": "application/json",
        "request": None,
        "status": 200,
        "code": None,
        "response": {"url": "ws://x"},
        "provoked": False,
        "took": 0.0,
    }
    return Exchange(**(values | more))


def test_what_the_file_describes_is_no_problem(description: OpenApi) -> None:
    assert description.problems(exchange()) == []


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"route": "/gatewey"}, "no such route"),
        ({"method": "PUT"}, "no such route"),
        ({"query": {"x": "1"}}, "query parameter 'x'"),
        ({"response": {"url": "ws://x", "extra": 1}}, "'extra' was unexpected"),
        ({"response": {}}, "'url' is a required property"),
        ({"response": {"url": 3}}, "3 is not of type 'string'"),
        ({"request": {"x": 1}}, "allows no body"),
        ({"status": 302}, "no status 302"),
        ({"status": 404, "response": {"message": "x"}}, "'code' is a required property"),
    ],
)
def test_what_it_does_not_is_named(description: OpenApi, more: dict[str, Any], why: str) -> None:
    problems = description.problems(exchange(**more))

    assert len(problems) == 1
    assert why in problems[0]


def test_unknown_fields_deep_in_a_request_are_found(description: OpenApi) -> None:
    route = "/channels/{channel_id}/messages"
    body = {"content": "x", "embeds": [{"title": "x", "colour": 1}]}

    problems = description.problems(
        exchange(
            method="POST",
            route=route,
            request=body,
            status=403,
            response={"code": 1, "message": ""},
        )
    )

    assert "'colour' was unexpected" in problems[0]


def test_what_is_listed_is_excused_and_nothing_beside_it(description: OpenApi) -> None:
    route = "/webhooks/{webhook_id}/{webhook_token}"
    listed = {"content": "x", "tts": False, "enforce_nonce": False}
    follow = {"method": "POST", "route": route, "status": 204, "response": None}

    assert description.problems(exchange(**follow, request=listed)) == []
    assert len(description.problems(exchange(**follow, request=listed | {"loud": True}))) == 1
