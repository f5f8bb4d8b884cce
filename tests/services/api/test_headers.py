import pytest

from legato.api import headers


@pytest.mark.parametrize(
    "path", ["/api/v1/guilds/5/player", "/nope", "/schema", "/health", "/api/v1/guilds/x/queue"]
)
async def test_every_answer_forbids_what_it_does_not_need(api, path):
    async with api.client.get(path) as answer:
        sent = answer.headers

    assert {name: sent[name] for name in headers.POLICY} == headers.POLICY
    assert "default-src 'none'" in sent["Content-Security-Policy"]
