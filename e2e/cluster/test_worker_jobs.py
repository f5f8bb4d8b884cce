"""The regular works: one fires by itself, every template runs, and history is kept as set."""

import support_operating
from support_operating import Bot, Room, Stage, lavalink_node

JOBS = "apis/batch/v1/jobs"


def runs(room: Room, work: str) -> list[bool]:
    """List a work's runs that are kept, and whether each has succeeded."""
    found = room.items(JOBS, f"legato.dev/job={work}")
    return [bool(one.get("status", {}).get("succeeded")) for one in found]


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
    room.until(lambda: runs(room, "cleanup") == [True], "the template of one that is suspended")
    room.until(lambda: runs(room, "usage") == [True], "of three runs one is kept")
    room.until(lambda: runs(room, "flags") == [True, True], "of three runs two are kept")
    room.until(lambda: True in runs(room, "limits"), "one fires by itself")

    schedules = {
        one["metadata"]["name"]: (one["spec"]["suspend"], one["spec"]["timeZone"])
        for one in room.items("apis/batch/v1/cronjobs")
    }
    assert schedules["melody-cleanup"] == (True, "Etc/UTC")
    assert schedules["melody-limits"] == (False, "Etc/UTC")
    (pod,) = room.items("api/v1/pods", "legato.dev/job=cleanup")
    assert pod["spec"]["containers"][0]["args"] == ["worker", "run", "cleanup"]
