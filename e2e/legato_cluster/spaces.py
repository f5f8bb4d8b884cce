"""A process tree with namespaces of its own, which ends as a whole. Knows no Kubernetes.

Its first process is init of a pid namespace: once that is killed, the kernel ends everything in it,
and with its last process go the mounts, the links and the names. So nothing has to be undone.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from legato.embedded.child import Child, Program
from legato_cluster import waiting
from legato_cluster.problems import NotStarted

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C", "TZ": "UTC"}
NAMESPACES = ("--mount", "--uts", "--ipc", "--pid", "--net")
UNSHARE = (
    "/usr/bin/unshare",
    *NAMESPACES,
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--propagation=private",
    "--",
)
READABLE = 'umask 022; exec "$@"'
"""What a machine writes for its pods is read there by other users; children of ours are private."""
STAY = """
touch "$0/ready"
while :; do sleep 3600 & wait; done
"""
"""An init that waits also for whoever's parent has gone, so that no zombies gather."""


class Space:
    """The namespaces of one tree, inside those of an outer one or of this machine."""

    def __init__(
        self, name: str, folder: Path, *, script: str = "", outer: "Space | None" = None
    ) -> None:
        """Start its init, which first runs the script with the folder as $0."""
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.folder = name, folder
        ready = folder / "ready"
        ready.unlink(missing_ok=True)
        init = ("/bin/sh", "-c", f"set -e\numask 022\n{script}\n{STAY}", str(folder))
        command = (*UNSHARE, *init)
        program = Program(
            name,
            outer.inside(*command) if outer else command,
            folder / "init.log",
            folder=folder,
            environment=ENVIRONMENT,
        )
        self._child = Child.start(program)
        waiting.until(ready.exists, name, running=[self._child])
        between = _only_child(self._child.pid)
        self.init = _only_child(between) if outer else between

    def inside(self, *command: str) -> tuple[str, ...]:
        """Give the command that runs another one inside."""
        return ("/usr/bin/nsenter", f"--target={self.init}", *NAMESPACES, "--", *command)

    def on_its_network(self, *command: str) -> tuple[str, ...]:
        """Give the command that runs another one of this machine on its network."""
        return ("/usr/bin/nsenter", f"--target={self.init}", "--net", "--", *command)

    def start(self, name: str, command: Sequence[str], log: Path) -> Child:
        """Start a program inside; it ends with the space, or with us."""
        whole = self.inside("/bin/sh", "-c", READABLE, name, *command)
        return Child.start(Program(name, whole, log, folder=Path("/"), environment=ENVIRONMENT))

    def run(self, *command: str) -> str:
        """Run a program inside to its end; NotStarted when it fails."""
        return run(*self.inside(*command))

    def ip(self, *words: str) -> None:
        """Change its network; process ids in the words are those of this machine."""
        run(*self.on_its_network("ip", *words))

    def end(self) -> None:
        """End everything in it at once, and wait until nothing of it is left."""
        if self._child.code is None:
            os.kill(self.init, signal.SIGKILL)
        waiting.until(lambda: self._child.code is not None, f"the end of {self.name}")


def run(*command: str) -> str:
    """Run a program to its end; NotStarted when it fails."""
    done = subprocess.run(
        command,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-1500:]
        raise NotStarted(f"{' '.join(command)} failed: {said}")
    return done.stdout


def _only_child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
