"""What keeps pods from running, in the kubelet's and the scheduler's words. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from legato_operator.desired.manifest import Manifest
from legato_operator.seen import is_ending, is_ready

REASONS = {
    "ErrImagePull": "ImageNotPulled",
    "ImagePullBackOff": "ImageNotPulled",
    "ErrImageNeverPull": "ImageNotPulled",
    "InvalidImageName": "ImageNotPulled",
    "CreateContainerConfigError": "ContainerNotCreated",
    "CreateContainerError": "ContainerNotCreated",
    "RunContainerError": "ContainerNotCreated",
    "CrashLoopBackOff": "CrashLoop",
}
"""What a kubelet says of a container that waits -> the reason of a condition."""
LONGEST = 400
"""Signs of a kubelet's own words that are repeated."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod does not run."""

    reason: str
    """A word that stays the same."""
    message: str

    def __str__(self) -> str:
        return self.message


def first(pods: Iterable[Manifest]) -> Trouble | None:
    """Find the first pod that can't run, and why; one that only starts is in no trouble."""
    for pod in sorted(pods, key=lambda one: str(one["metadata"]["name"])):
        if is_ready(pod) or is_ending(pod):
            continue
        for found in (*_waiting(pod), *_unplaced(pod)):
            return found
    return None


def _waiting(pod: Manifest) -> Iterator[Trouble]:
    status = pod.get("status", {})
    listed = (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ()))
    for container in listed:
        waits = container.get("state", {}).get("waiting", {})
        if reason := REASONS.get(waits.get("reason", "")):
            yield Trouble(reason, _sentence(pod, container, waits))


def _sentence(pod: Manifest, container: Manifest, waits: Manifest) -> str:
    name = pod["metadata"]["name"]
    said = _short(waits.get("message") or "")
    match REASONS[waits["reason"]]:
        case "ImageNotPulled":
            text = f"Pod {name} can't pull {container.get('image') or 'its image'}"
        case "CrashLoop":
            ended = container.get("lastState", {}).get("terminated", {})
            code = f", with code {ended['exitCode']}" if "exitCode" in ended else ""
            times = container.get("restartCount", 0)
            text, said = f"Pod {name} ended {times} times{code}; see its log", ""
        case _:
            text = f"A container of pod {name} can't be made"
    return f"{text}: {said}" if said else f"{text}."


def _short(said: str) -> str:
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def _unplaced(pod: Manifest) -> Iterator[Trouble]:
    for one in pod.get("status", {}).get("conditions", ()):
        if one.get("type") == "PodScheduled" and one.get("reason") == "Unschedulable":
            said = _short(one.get("message") or "")
            yield Trouble(
                "Unschedulable", f"Pod {pod['metadata']['name']} finds no machine: {said}"
            )
