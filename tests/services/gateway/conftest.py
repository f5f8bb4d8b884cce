import pytest

from support_gateway import stage
from support_servers import breakable_valkey, running_valkey


@pytest.fixture(scope="session")
def valkey_url():
    with running_valkey() as server:
        yield server.url


@pytest.fixture
async def scene(valkey_url, tmp_path):
    async with stage(valkey_url, tmp_path) as made:
        yield made


@pytest.fixture
async def shared_scene(scene):
    """A stage with a gateway on it, and its first user in voice."""
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        yield scene


@pytest.fixture
def breakable():
    """A Valkey that can be frozen, or killed and started again."""
    with breakable_valkey() as server:
        yield server
