"""The voice server's certificates, which the server under test must trust before it starts.

`python -m conformance.certificates FOLDER [HOST]` makes them and names the authority's file.
"""

import sys
from pathlib import Path

from legato_simulator import certs
from legato_simulator.certs import Certificates


def kept(folder: Path, host: str) -> Certificates:
    """Find the certificates that a folder holds, or make them."""
    found = Certificates(
        ca_file=folder / "ca.pem",
        bundle_file=folder / "bundle.pem",
        chain_file=folder / "server.pem",
        key_file=folder / "server.key",
    )
    return found if found.key_file.exists() else certs.make(folder, host=host)


def main(arguments: list[str]) -> int:
    """Run the command line."""
    if len(arguments) not in {1, 2}:
        sys.stderr.write(f"{__doc__}")
        return 2
    host = arguments[1] if len(arguments) == 2 else "localhost"
    sys.stdout.write(f"{kept(Path(arguments[0]), host).ca_file}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
