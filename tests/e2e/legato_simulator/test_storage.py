from pathlib import Path

import pytest

from legato_simulator import population, storage
from legato_simulator.interactions import Callback, Interaction, Kind
from legato_simulator.problems import Problem
from legato_simulator.settings import Settings
from legato_simulator.simulation import Simulation
from support_waiting import PATIENCE


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


def test_what_waits_for_an_answer_can_still_be_answered(tmp_path: Path) -> None:
    before = Simulation(Settings(token_life=900))
    population.seed(before)
    bot = next(iter(before.bots.by_id.values()))
    waits, old = asked(before, bot.id), asked(before, bot.id)
    waits.answer(Callback.DEFERRED_MESSAGE, before.clock.monotonic())
    waits.loading, waits.original = True, 77
    old.created -= 901
    storage.save(before, tmp_path)

    after = Simulation(Settings(token_life=900))
    storage.load(after, tmp_path)
    found = after.interactions.to_follow(bot.id, waits.token, after.clock.monotonic())

    assert (found.id, found.name, found.loading, found.original) == (waits.id, "play", True, 77)
    assert found.answered is None
    assert 0 <= after.clock.monotonic() - found.created < PATIENCE
    assert list(after.interactions.by_id) == [waits.id]
    after.clock.advance(901)
    with pytest.raises(Problem, match="50027"):
        after.interactions.to_follow(bot.id, waits.token, after.clock.monotonic())


def asked(sim: Simulation, bot_id: int) -> Interaction:
    """Let somebody type /play."""
    interaction = Interaction(
        id=sim.make_id(),
        application_id=bot_id,
        kind=Kind.COMMAND,
        user_id=1,
        channel_id=2,
        guild_id=3,
        created=sim.clock.monotonic(),
        name="play",
        command_id=4,
    )
    sim.interactions.add(interaction)
    return interaction


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    sim = Simulation(Settings())
    population.seed(sim)

    storage.save(sim, tmp_path)

    assert (tmp_path / "world.json").stat().st_mode & 0o777 == 0o600
    assert not storage.load(Simulation(Settings()), tmp_path / "elsewhere")
