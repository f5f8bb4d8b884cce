from legato_operator import troubles
from legato_operator.desired.manifest import Manifest


def pod(name: str = "one", ready: str = "False", **status: object) -> Manifest:
    said = {"conditions": [{"type": "Ready", "status": ready}], **status}
    return {"kind": "Pod", "metadata": {"name": name}, "status": said}


def waiting(reason: str, message: str = "", **more: object) -> Manifest:
    container = {"image": "example.org/a:1", "state": {"waiting": {"reason": reason}}, **more}
    if message:
        container["state"] = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [container]}


def test_an_image_that_does_not_exist_is_named() -> None:
    found = troubles.first([pod(**waiting("ImagePullBackOff", "not found"))])

    assert found == troubles.Trouble(
        "ImageNotPulled", "Pod one can't pull example.org/a:1: not found"
    )


def test_a_pod_that_ends_again_and_again_is_said_to_crash() -> None:
    status = waiting(
        "CrashLoopBackOff",
        "back-off 5m0s",
        restartCount=7,
        lastState={"terminated": {"exitCode": 137}},
    )

    found = troubles.first([pod(**status)])

    assert found == troubles.Trouble(
        "CrashLoop", "Pod one ended 7 times, with code 137; see its log."
    )


def test_a_pod_that_finds_no_machine_says_why() -> None:
    unplaced = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    one = pod()
    one["status"]["conditions"].append(unplaced | {"message": "0/2 nodes are available"})

    found = troubles.first([one])

    assert found is not None
    assert (found.reason, str(found)) == (
        "Unschedulable",
        "Pod one finds no machine: 0/2 nodes are available",
    )


def test_a_pod_that_starts_runs_or_ends_is_in_no_trouble() -> None:
    starting = pod(**waiting("ContainerCreating"))
    running = pod(ready="True", **waiting("CrashLoopBackOff"))
    ending = pod(**waiting("CrashLoopBackOff"))
    ending["metadata"]["deletionTimestamp"] = "2026-11-23T10:00:00Z"

    assert troubles.first([starting, running, ending]) is None
