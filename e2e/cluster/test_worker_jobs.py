"""The regular works: one fires by itself, every template runs, and history is kept as set."""

import support_operating
from support_operating import Bot, Room, Stage, lavalink_node

JOBS = "apis/batch/v1/jobs"


def done(room: Room, work: str) -> list[str]:
    found = room.items(JOBS, f"legato.dev/job={work}")
    return [one["metadata"]["name"] for one in found if one.get("status", {}).get("succeeded")]


def test_works_run_and_keep_their_history(operating: Stage) -> None:
    room = Room(operating, "works")
    often = {"name": "limits", "schedule": "* * * * *", "successfulHistory": 1}
    rare = [
        {"name": "cleanup", "schedule": "0 4 1 1 *", "suspend": True},
        {"name": "usage", "schedule": "0 4 1 1 *", "successfulHistory": 1, "failedHistory": 0},
        {"name": "flags", "schedule": "0 4 1 1 *", "successfulHistory": 2},
    ]
    bot = Bot("melody", 100000000000000401)
    support_operating.settled(room, [bot], lavalink_node(), worker={"jobs": [often, *rare]})

    for work, times in (("cleanup", 1), ("usage", 3), ("flags", 3)):
        for number in range(times):
            room.run("create", "job", f"{work}-{number}", f"--from=cronjob/melody-{work}")
    room.until(lambda: done(room, "cleanup"), "the template of one that is suspended runs")
    room.until(lambda: len(done(room, "usage")) == 1, "one finished run is kept")
    room.until(lambda: len(done(room, "flags")) == 2, "two finished runs are kept")
    room.until(lambda: done(room, "limits"), "one fires by itself")

    schedules = {
        one["metadata"]["name"]: (one["spec"]["suspend"], one["spec"]["timeZone"])
        for one in room.items("apis/batch/v1/cronjobs")
    }
    assert schedules["melody-cleanup"] == (True, "Etc/UTC")
    assert schedules["melody-limits"] == (False, "Etc/UTC")
    (pod,) = room.items("api/v1/pods", "legato.dev/job=cleanup")
    assert pod["spec"]["containers"][0]["args"] == ["worker", "run", "cleanup"]
