"""Runs inside a new process, before its program: drops the user, ties it to its parent, execs.

Started by path with `python -I -S`, so it imports nothing of Legato. A pre-exec hook in the parent
would not do: it is unsafe once the parent has threads.
Arguments: the parent's pid, the signal to get when the parent dies, uid, gid (-1 = stay), program.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, orphan_signal: int, uid: int, gid: int, command: list[str]) -> None:
    """Become the command, as the user, to be ended together with the parent."""
    os.umask(0o077)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid, which clears it; kept over exec: prctl(2).
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, orphan_signal, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
    try:
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    _parent, _signal, _uid, _gid = map(int, sys.argv[1:5])
    main(_parent, _signal, _uid, _gid, sys.argv[5:])
