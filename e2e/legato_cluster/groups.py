"""The control groups (cgroups) of one cluster's machines. Knows no Kubernetes.

Version 1 has a tree for every controller, version 2 one for all.
"""

from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
CONTROLLERS = "+cpu +cpuset +io +memory +pids"
SHARE = {"cpu.shares": "12288", "cpu.weight": "1200"}
"""Of the processors, as a dozen processes outside have together; usual is that of one, which all
pods of a cluster would divide: beside a few busy processes a pod then took minutes to start."""


def trees(mount: Path = MOUNT) -> tuple[Path, ...]:
    """List the trees that a group must be made in."""
    if (mount / "cgroup.controllers").exists():
        return (mount,)
    found = (place for place in sorted(mount.glob("*")) if not place.is_symlink())
    return tuple(
        place
        for place in found
        if (place / "cgroup.procs").exists() and not (place / "cgroup.controllers").exists()
    )


def everywhere(mount: Path = MOUNT) -> tuple[Path, ...]:
    """List the trees in which one may appear: beside version 1 runc uses a lone version 2 too."""
    return (mount, *(place for place in sorted(mount.glob("*")) if place.is_dir()))


def make(name: str, mount: Path = MOUNT) -> None:
    """Make a group in each tree, parents first; one that is there is kept."""
    for tree in trees(mount):
        place = tree
        for part in name.split("/"):
            _hand_down(place)
            place = place / part
            place.mkdir(exist_ok=True)
            _inherit(place)
            _weigh(place)


def empty(name: str, mount: Path = MOUNT) -> None:
    """Remove the groups inside one, whose processes have all gone."""
    for tree in trees(mount):
        inner = [place for place in (tree / name).rglob("*") if place.is_dir()]
        for place in sorted(inner, key=lambda one: len(one.parts), reverse=True):
            place.rmdir()


def _hand_down(parent: Path) -> None:
    """In version 2 a group's children have only the controllers that it hands down."""
    offered = parent / "cgroup.controllers"
    if offered.exists():
        wanted = [one for one in CONTROLLERS.split() if one[1:] in offered.read_text().split()]
        (parent / "cgroup.subtree_control").write_text(" ".join(wanted))


def _inherit(place: Path) -> None:
    """In version 1 a new cpuset is empty, and nothing can run in it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = place / name
        if file.exists() and not (place / "cgroup.controllers").exists():
            file.write_text((place.parent / name).read_text())


def _weigh(place: Path) -> None:
    for name, share in SHARE.items():
        file = place / name
        if file.exists():
            file.write_text(share)
