"""One Kubernetes control plane: etcd, API server, controller manager; no machine.

Its programs end with the process that started them, also when that one is killed; its folder is
removed even then, by a helper that notices the end of a pipe. Nothing of it is kept, so that it is
ended by SIGKILL.
"""

import contextlib
import dataclasses
import functools
import json
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

from legato.embedded.child import Child, Program
from legato.embedded.ports import LOOPBACK, Claims
from legato_cluster import binaries, pki, waiting
from legato_cluster.sweeper import Sweeper

SERVICES = "10.96.0.0/16"
FIRST_SERVICE = "10.96.0.1"
"""Where pods find the API server."""
ISSUER = "https://kubernetes.default.svc"
START_TIMEOUT = waiting.TIMEOUT
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}

Start = Callable[[str, Sequence[str], Path], Child]
"""Start a program: its name, its command, its log."""


def start_here(name: str, command: Sequence[str], log: Path) -> Child:
    """Start a program on this machine."""
    return Child.start(Program(name, tuple(command), log, folder=log.parent))


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """Where a control plane runs."""

    address: str = LOOPBACK
    """Where its API server listens."""
    start: Start = start_here
    relay: Callable[[int, int], None] | None = None
    """Let the first port, of our loopback, lead to the second one of the site."""
    manager_options: tuple[str, ...] = ()


class ControlPlane:
    """A fresh API server, and what it needs."""

    def __init__(
        self, programs: Path, folder: Path | None = None, *, site: Site | None = None
    ) -> None:
        self._programs = programs
        self.folder = folder or Path(tempfile.mkdtemp(prefix="legato-cluster-"))
        self.folder.mkdir(exist_ok=True)
        self.authority = pki.Authority()
        self._site = site or Site()
        self._claims = Claims()
        self._port, self._etcd, self._peer = (self._claims.free() for _ in range(3))
        self._outer_port = self._claims.free() if self._site.relay else self._port
        self._children: list[Child] = []
        self._sweeper = Sweeper(self.folder)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def url(self) -> str:
        """Say the API server's address on this machine."""
        return f"https://{LOOPBACK}:{self._outer_port}"

    @property
    def inner_url(self) -> str:
        """Say the API server's address where it runs."""
        return f"https://{self._site.address}:{self._port}"

    @property
    def kubeconfig(self) -> Path:
        """Say where the administrator's configuration is."""
        return self.folder / "admin.kubeconfig"

    @property
    def audit_log(self) -> Path:
        """Say where a line for every request is written."""
        return self.folder / "audit.log"

    @property
    def pids(self) -> tuple[int, ...]:
        """List the processes of its parts."""
        return tuple(child.pid for child in self._children)

    def end(self) -> None:
        """End everything, and remove what it wrote."""
        waiting.ended(self._children)
        self._claims.close()
        self._sweeper.close()

    def kubectl(
        self, *words: str, stdin: str = "", timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator; the caller looks at the exit code."""
        options = (f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.folder / 'kubectl'}")
        return subprocess.run(
            [self._programs / "kubectl", *options, *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def run(self, name: str, program: Path, *options: str) -> Child:
        """Start one more part of it."""
        command = (str(program), *options)
        child = self._site.start(name, command, self.folder / f"{name}.log")
        self._children.append(child)
        return child

    def admit(self, name: str, user: str, *, group: str = "") -> Path:
        """Write the configuration of a client that runs where we do."""
        identity = self.authority.issue(user, group=group)
        identity.write(self.folder, name)
        return self._write_kubeconfig(name, self.inner_url, identity)

    def _start(self) -> None:
        self._write_identities()
        self._run("etcd", *self._etcd_options())
        self._run("kube-apiserver", *self._server_options())
        if self._site.relay:
            self._site.relay(self._outer_port, self._port)
        ready = functools.partial(self._is_ready, self._trust())
        waiting.until(ready, "the API server", running=self._children)
        self._run("kube-controller-manager", *self._manager_options())
        self._claims.close()

    def _run(self, name: str, *options: str) -> None:
        self.run(name, self._programs / name, *options)

    def _write_identities(self) -> None:
        authority, folder = self.authority, self.folder
        authority.identity.write(folder, "ca")
        addresses = {LOOPBACK, FIRST_SERVICE, self._site.address}
        authority.issue("kube-apiserver", addresses=sorted(addresses)).write(folder, "server")
        authority.issue("kube-apiserver", group="system:masters").write(folder, "caller")
        key = pki.service_account_key()
        pki.Identity(pki.public_pem(key), pki.private_pem(key)).write(folder, "accounts")
        administrator = authority.issue("admin", group="system:masters")
        administrator.write(folder, "admin")
        self._write_kubeconfig("admin", self.url, administrator)
        self.admit("manager", "system:kube-controller-manager")
        (folder / "audit.json").write_text(json.dumps(AUDIT))

    def _write_kubeconfig(self, name: str, url: str, identity: pki.Identity) -> Path:
        file = self.folder / f"{name}.kubeconfig"
        file.touch(mode=0o600)
        file.write_bytes(pki.kubeconfig(url, self.authority, identity))
        return file

    def _etcd_options(self) -> list[str]:
        clients, peers = f"http://{LOOPBACK}:{self._etcd}", f"http://{LOOPBACK}:{self._peer}"
        return [
            "--name=one",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=one={peers}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _server_options(self) -> list[str]:
        folder, address = self.folder, self._site.address
        return [
            f"--etcd-servers=http://{LOOPBACK}:{self._etcd}",
            f"--bind-address={address}",
            f"--advertise-address={address}",
            f"--secure-port={self._port}",
            # The usual one refuses a loopback address.
            *(["--endpoint-reconciler-type=none"] if address == LOOPBACK else []),
            f"--tls-cert-file={folder / 'server.crt'}",
            f"--tls-private-key-file={folder / 'server.key'}",
            f"--client-ca-file={folder / 'ca.crt'}",
            f"--kubelet-client-certificate={folder / 'caller.crt'}",
            f"--kubelet-client-key={folder / 'caller.key'}",
            "--kubelet-preferred-address-types=InternalIP",  # nobody resolves machines' names
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--service-cluster-ip-range={SERVICES}",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={folder / 'accounts.crt'}",
            f"--service-account-signing-key-file={folder / 'accounts.key'}",
            f"--audit-policy-file={folder / 'audit.json'}",
            f"--audit-log-path={self.audit_log}",
            "--profiling=false",
        ]

    def _manager_options(self) -> list[str]:
        folder = self.folder
        return [
            f"--kubeconfig={folder / 'manager.kubeconfig'}",
            f"--service-account-private-key-file={folder / 'accounts.key'}",
            f"--root-ca-file={folder / 'ca.crt'}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--secure-port=0",
            "--profiling=false",
            *self._site.manager_options,
        ]

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        context.load_cert_chain(self.folder / "admin.crt", self.folder / "admin.key")
        return context

    def _is_ready(self, context: ssl.SSLContext) -> bool:
        with contextlib.suppress(OSError):
            url = f"{self.url}/readyz"
            with urllib.request.urlopen(url, context=context, timeout=5) as answer:
                return bool(answer.status == 200)
        return False


@contextlib.contextmanager
def running() -> Iterator[ControlPlane]:
    """Run a fresh control plane, its programs built if need be; NoCluster says why not."""
    with ControlPlane(binaries.folder()) as one:
        yield one
