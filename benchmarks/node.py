"""How many players a node carries: processor time a player, and the gaps a listener sees.

    python -m benchmarks.node [players ...]

Needs the extras `node` and `simulator`. Everything runs on this machine, the listener too; its own
share is not in the node's figures.
"""

import asyncio
import json
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests" / "support"))

from support_audio_node import BOT, Stage, Studio, studio
from support_media import tone

SECONDS = 10
FILES = {"opus.ogg": {}, "mp3": {}, "opus.ogg, volume 50": {"volume": 50}}


def used(studio: Studio) -> dict[str, float]:
    """Sum processor seconds by kind of process."""
    pids = {studio.node.process.pid: "control", **studio.node.children()}
    seconds: dict[str, float] = {}
    for pid, line in pids.items():
        kind = "pacer" if "pacing" in line else "media" if "worker" in line else "control"
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        seconds[kind] = seconds.get(kind, 0) + (int(fields[11]) + int(fields[12])) / 100
    return seconds


async def measure(name: str, players: int) -> dict[str, object]:
    """Play on so many players at once."""
    ending = name.partition(",")[0]
    files = {f"tone.{ending}": tone(ending, 300.0)}
    with tempfile.TemporaryDirectory() as folder:
        async with studio(pathlib.Path(folder), files) as whole:
            first = await whole.stage()
            stages = [
                Stage(whole.files, whole.voice, whole.node, first.client, guild << 22)
                for guild in range(1000, 1000 + players)
            ]
            encoded = await first.track(f"tone.{ending}")
            for stage in stages:
                voice = await stage.credentials()
                await stage.patch(track={"encoded": encoded}, voice=voice, **FILES[name])
            await stages[-1].frames(50)
            before, start, began = used(whole), time.monotonic(), time.monotonic()
            await asyncio.sleep(SECONDS)
            after, took = used(whole), time.monotonic() - start
            reports = [whole.voice.report(stage.guild, BOT, since=began) for stage in stages]
            worst = [report.worst_gap_ms for report in reports if report]
            breaks = sum(report.breaks for report in reports if report)
            missing = sum(took * 50 - report.sound for report in reports if report)
    share = {kind: (after[kind] - before[kind]) / took * 100 for kind in after}
    return {
        "source": name,
        "players": players,
        "core_percent": {kind: round(value, 1) for kind, value in share.items()},
        "core_percent_a_player": round(sum(share.values()) / players, 3),
        "worst_gap_ms": {"median": round(statistics.median(worst)), "most": round(max(worst))},
        "breaks": breaks,
        "frames_missing": round(missing),
    }


async def main() -> None:
    """Measure each source with each number of players."""
    numbers = [int(argument) for argument in sys.argv[1:]] or [1, 32, 64]
    for name in FILES:
        for players in numbers:
            print(json.dumps(await measure(name, players)))


if __name__ == "__main__":
    asyncio.run(main())
