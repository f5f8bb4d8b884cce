from pathlib import Path

from legato_simulator import population, storage
from legato_simulator.settings import Settings
from legato_simulator.simulation import Simulation


def test_a_world_is_read_back_as_it_was_with_this_starts_token(tmp_path: Path) -> None:
    before = Simulation(Settings(guilds=3))
    population.seed(before)
    storage.save(before, tmp_path)

    after = Simulation(Settings(tokens=("MTIz.new.token",)))

    assert storage.load(after, tmp_path)
    assert after.world.guilds == before.world.guilds
    assert after.world.users == before.world.users
    assert [bot.token for bot in after.bots.by_id.values()] == ["MTIz.new.token"]
    assert after.make_id() > before.ids.last


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    sim = Simulation(Settings())
    population.seed(sim)

    storage.save(sim, tmp_path)

    assert (tmp_path / "world.json").stat().st_mode & 0o777 == 0o600
    assert not storage.load(Simulation(Settings()), tmp_path / "elsewhere")
