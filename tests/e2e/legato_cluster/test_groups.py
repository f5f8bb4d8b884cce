from pathlib import Path

from legato_cluster import groups


def tree(place: Path, **files: str) -> Path:
    place.mkdir()
    for name, text in {"cgroup_procs": "", **files}.items():
        (place / name.replace("_", ".")).write_text(text)
    return place


def test_of_version_1_each_controller_has_a_tree(tmp_path: Path) -> None:
    tree(tmp_path / "memory")
    cpuset = tree(tmp_path / "cpuset", cpuset_cpus="0-1", cpuset_mems="0")
    tree(tmp_path / "unified", cgroup_controllers="")
    (tmp_path / "cpu").symlink_to("cpuset")

    assert groups.trees(tmp_path) == (cpuset, tmp_path / "memory")


def test_of_version_2_there_is_one_that_hands_its_controllers_down(tmp_path: Path) -> None:
    mount = tree(tmp_path / "mount", cgroup_controllers="cpu memory rdma")

    groups.make("one", mount)

    assert groups.trees(mount) == (mount,)
    assert (mount / "one").is_dir()
    assert (mount / "cgroup.subtree_control").read_text() == "+cpu +memory"


def test_what_is_left_in_a_group_is_removed_and_the_group_kept(tmp_path: Path) -> None:
    memory = tree(tmp_path / "memory")
    (memory / "one" / "machine" / "pod" / "container").mkdir(parents=True)

    groups.empty("one/machine", tmp_path)

    assert list((memory / "one" / "machine").iterdir()) == []
