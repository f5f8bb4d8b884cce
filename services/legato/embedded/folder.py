"""The one folder that holds all data of one machine's Legato. Knows no server's own layout."""

import contextlib
import errno
import fcntl
import os
import pathlib
import pwd
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from legato.embedded.problems import DiskFull, FolderBroken

LAYOUT = "1"
"""Of the folder; grows when an older Legato could no longer use it."""
LEAST_FREE = 300 * 1024 * 1024
"""Bytes: a new database takes 50 MB, its copied binaries 41 MB, its write-ahead log up to 1 GB."""
USED = "used"
"""The file whose time of change says when Legato was last up on the folder."""
LONGEST_LOG = 10 * 1024 * 1024
"""Bytes: a longer log is put aside at the next start."""


class Folder:
    """An opened data folder, locked until we end."""

    def __init__(self, path: pathlib.Path, last_used: datetime | None = None) -> None:
        self.path = path
        self.last_used = last_used
        """When an earlier run last said that it was used; None where none did."""

    def use(self) -> None:
        """Say that it is being used: all is up, or still is; a full disk may swallow it."""
        with contextlib.suppress(OSError):
            (self.path / USED).touch()

    def part(self, name: str, *, mode: int = 0o700) -> pathlib.Path:
        """Return the folder of one part, made if need be."""
        folder = self.path / name
        folder.mkdir(mode=mode, exist_ok=True)
        return folder

    def log(self, name: str) -> pathlib.Path:
        """Return where a program's output goes; a long old log is kept once, as .old."""
        file = self.part("logs") / f"{name}.log"
        if file.exists() and file.stat().st_size > LONGEST_LOG:
            file.rename(file.with_suffix(".log.old"))
        return file

    def remember(self, name: str, lines: Sequence[str]) -> None:
        """Keep a few lines for the next start."""
        (self.part("run") / name).write_text("".join(f"{line}\n" for line in lines))

    def recall(self, name: str) -> list[str]:
        """Return the lines that an earlier start kept."""
        file = self.part("run") / name
        return file.read_text().split() if file.exists() else []

    def secret(self, name: str) -> str:
        """Return a password that only this folder knows, made at the first call."""
        file = self.part("secrets") / name
        if not file.exists():
            unfinished = file.with_suffix(".unfinished")
            unfinished.touch(mode=0o600)
            unfinished.write_text(secrets.token_urlsafe(32))
            unfinished.rename(file)
        return file.read_text()


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator[Folder]:
    """Make or check the folder and hold it alone; raises FolderBroken or DiskFull."""
    try:
        _make(path)
        _check_owner(path)
        _check_room(path)
        last_used = _last_used(path / USED)
        with _locked(path / "lock"):
            _check_layout(path / "layout")
            yield Folder(path, last_used)
    except OSError as error:
        raise _explained(error, path) from error


def chosen(path: str, environ: Mapping[str, str]) -> pathlib.Path:
    """Return the folder that was asked for, else the usual one."""
    return pathlib.Path(path or default(environ)).expanduser().absolute()


def default(environ: Mapping[str, str]) -> pathlib.Path:
    """Name the place for data that this system and user would expect."""
    if os.getuid() == 0:
        # Not /root: PostgreSQL's unprivileged user could not enter it.
        return pathlib.Path("/var/lib/legato")
    home = pathlib.Path(environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir)
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "legato"
    return pathlib.Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "legato"


def _make(path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # As root, PostgreSQL's own user must be able to pass through; it can list nothing.
    path.mkdir(mode=0o711 if os.getuid() == 0 else 0o700, exist_ok=True)


def _check_owner(path: pathlib.Path) -> None:
    if not path.is_dir():
        raise FolderBroken(f"{path} is not a folder. Choose another with --data.")
    found = path.stat()
    if found.st_uid != os.getuid():
        raise FolderBroken(
            f"The data folder {path} belongs to {owner_name(found.st_uid)}, "
            f"you are {owner_name(os.getuid())}. Start Legato as its owner, "
            "or choose another folder with --data."
        )
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise FolderBroken(
            f"Others may write to the data folder {path}. "
            f"Run: chmod go-w {path} - or choose another folder with --data."
        )


def _check_room(path: pathlib.Path) -> None:
    free = shutil.disk_usage(path).free
    if free < LEAST_FREE:
        raise DiskFull(
            f"The disk of {path} has {free // 2**20} MB left; Legato needs {LEAST_FREE // 2**20}. "
            "Free some space, or choose a folder on another disk with --data."
        )


def _last_used(file: pathlib.Path) -> datetime | None:
    return datetime.fromtimestamp(file.stat().st_mtime).astimezone() if file.exists() else None


@contextlib.contextmanager
def _locked(file: pathlib.Path) -> Iterator[None]:
    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise FolderBroken(
                f"Legato already runs on the data folder {file.parent} "
                f"(process {lock.read().strip() or '?'}). "
                "Stop it, or choose another folder with --data."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _check_layout(file: pathlib.Path) -> None:
    if not file.exists():
        strangers = {found.name for found in file.parent.iterdir()} - {"lock"}
        if strangers:
            raise FolderBroken(
                f"{file.parent} holds other things ({', '.join(sorted(strangers)[:3])}), "
                "and no data of Legato. Choose an empty folder with --data."
            )
        file.write_text(LAYOUT)
    found = file.read_text(errors="replace").strip()
    if found != LAYOUT:
        raise FolderBroken(
            f"The data folder {file.parent} has layout {found[:20]!r}, this Legato knows {LAYOUT}. "
            "Use the Legato that made it, or choose another folder with --data."
        )


def _explained(error: OSError, path: pathlib.Path) -> Exception:
    """Turn what the system says of the folder into a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"The disk of {path} is full. Free some space, or choose another --data.")
    if error.filename is None or not str(error.filename).startswith(str(path)):
        return error
    return FolderBroken(
        f"The data folder {path} can't be used: {error.strerror} ({error.filename}). "
        "Mend that, or choose another folder with --data."
    )


def owner_name(uid: int) -> str:
    """Name a user, by number where it has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
