import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

from legato_cluster import images


def read(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        found = {one.name: packed.extractfile(one) for one in packed}
    return {name: file.read() for name, file in found.items() if file}


def test_every_blob_of_an_archive_is_named_after_its_content(tmp_path: Path) -> None:
    program = tmp_path / "errand"
    program.write_bytes(b"a program")

    files = read(images.of_program(program, "legato.test/errand:1", ["pause"], "amd64"))

    blobs = {name.rpartition("/")[2]: data for name, data in files.items() if "sha256/" in name}
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in blobs.items())
    (described,) = json.loads(files["index.json"])["manifests"]
    assert described["annotations"]["io.containerd.image.name"] == "legato.test/errand:1"
    manifest = json.loads(blobs[described["digest"][7:]])
    layer = gzip.decompress(blobs[manifest["layers"][0]["digest"][7:]])
    assert read(layer) == {"errand": b"a program"}
    config = json.loads(blobs[manifest["config"]["digest"][7:]])
    assert config["config"]["Entrypoint"] == ["/errand"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]


def test_the_same_program_makes_the_same_archive(tmp_path: Path) -> None:
    program = tmp_path / "errand"
    program.write_bytes(b"a program")

    one, other = (images.of_program(program, "x:1", [], "amd64") for _ in range(2))

    assert one == other
