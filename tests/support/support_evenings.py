"""Long evenings of a player in which most goes well, each drawn from a seed."""

import random
from collections.abc import Callable, Iterator

from legato.audio.player import Player
from legato.contracts import playback, voice
from support_histories import Histories
from support_players import CHANNEL, ELSEWHERE


def recover(evening: Histories) -> None:
    evening.state(evening.game.player.voice.wanted, 2, False)
    evening.server(True)
    evening.seat("n1", "s1")
    evening.started()


def ask(evening: Histories, chance: random.Random) -> None:
    places: list[playback.Where] = ["last", "last", "next", "now"]
    evening.ask(chance.choice(places), CHANNEL if chance.random() < 0.9 else ELSEWHERE)


def command(evening: Histories, chance: random.Random) -> None:
    often = [playback.Pause, playback.Resume, playback.Resume, playback.ShowQueue]
    kinds = often if chance.random() < 0.9 else [playback.Stop, playback.Leave]
    evening.command(chance.choice(kinds), chance.random() < 0.1)


WORLD: list[tuple[int, Callable[[Histories, random.Random], None]]] = [
    (20, lambda e, r: e.wait(r.choice([10, 500, 1_100, 5_000, 20_000]))),
    (12, lambda e, r: e.report(r.randint(-900, 900), r.random() < 0.9, r.randint(0, 300))),
    (12, lambda e, r: e.find_any(r.choice([1, 1, 1, 4]), "")),
    (8, ask),
    (8, command),
    (6, lambda e, r: e.ended(r.choice(["finished", "loadFailed", "replaced"]), r.random() < 0.1)),
    (6, lambda e, _: e.started()),
    (6, lambda e, _: recover(e)),
    (3, lambda e, r: e.listeners(CHANNEL, r.choice([0, 1, 2]))),
    (3, lambda e, r: e.seek(r.randint(0, 60_000))),
    (3, lambda e, r: e.snapshot(r.random() < 0.7, r.randint(-900, 900), "n1")),
    (3, lambda e, _: e.wake()),
    (2, lambda e, r: e.seat(r.choice(["n1", "n1", "n2"]), "s1")),
    (2, lambda e, r: e.skip_by_panel(r.random() < 0.3)),
    (2, lambda e, r: e.volume(r.randint(-50, 50))),
    (2, lambda e, r: e.close(r.choice([1000, 4006, 4014, 4017]), "s1")),
    (1, lambda e, r: e.server(r.random() < 0.8)),
    (1, lambda e, _: e.lose_node("n1")),
    (1, lambda e, r: e.restore(r.random() < 0.6, r.randint(0, 3_000))),
    (1, lambda e, r: e.state(r.choice([CHANNEL, ELSEWHERE, None]), 2, r.random() < 0.2)),
    (1, lambda e, r: e.failed(r.random() < 0.5)),
    (1, lambda e, _: e.find_nothing()),
    (1, lambda e, _: e.refuse(CHANNEL, "no_connect")),
    (1, lambda e, r: e.trouble(r.choice([voice.ChannelGone, "session", voice.GuildGone]))),
]
"""What happens how often in an evening where most goes well."""


def evening_of(seed: int, steps: int = 300) -> Iterator[Histories]:
    chance = random.Random(seed)
    evening = Histories()
    evening.begin(joined=True)
    for _ in range(steps):
        (happen,) = chance.choices([what for _, what in WORLD], [often for often, _ in WORLD])
        happen(evening, chance)
        yield evening


def moods(state: Player) -> set[str]:
    play = state.play
    found = {
        "runs": play is not None and play.clock.since is not None,
        "paused": play is not None and state.paused,
        "deserted": play is not None and state.empty_since is not None,
        "full": len(state.queue) > 4,
        "kept": state.keep_until is not None,
        "halted or idle": state.halted or state.idle_since is not None,
        "seated": state.seat is not None,
    }
    return {name for name, holds in found.items() if holds}
