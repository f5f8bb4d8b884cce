"""The chart on a real API server: an upgrade brings definitions up to date, which outlive it."""

import json
import shutil
from pathlib import Path

import yaml

import support_helm
from legato_cluster.control_plane import ControlPlane

CHART = support_helm.CHART
DEFINITIONS = ("crd/lavalinknodes.legato.dev", "crd/musicbots.legato.dev")
FIELD = "searchPrefix"
SPACE = "music"


def helm(bare: ControlPlane, *words: str) -> str:
    return support_helm.run(*words, f"--namespace={SPACE}", f"--kubeconfig={bare.kubeconfig}")


def definitions(bare: ControlPlane) -> str:
    done = bare.kubectl("get", *DEFINITIONS, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.dumps([one["spec"] for one in json.loads(done.stdout)["items"]])


def older(place: Path) -> Path:
    """Copy the chart, and leave a field out as if this release had brought it."""
    shutil.copytree(CHART, place)
    file = place / "files/crds/musicbots.legato.dev.yaml"
    crd = yaml.safe_load(file.read_text())
    [version] = crd["spec"]["versions"]
    del version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"][FIELD]
    file.write_text(yaml.safe_dump(crd))
    return place


def test_an_upgrade_brings_definitions_up_to_date_and_they_outlive_the_chart(
    bare: ControlPlane, tmp_path: Path
) -> None:
    helm(bare, "install", "legato", str(older(tmp_path / "legato")), "--create-namespace")
    assert FIELD not in definitions(bare)

    helm(bare, "upgrade", "legato", str(CHART), "--reset-then-reuse-values")
    assert FIELD in definitions(bare)

    helm(bare, "uninstall", "legato", "--no-hooks")
    assert FIELD in definitions(bare)
