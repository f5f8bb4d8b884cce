"""One Kubernetes control plane on loopback: etcd, API server, controller manager; no machine.

Its programs end with the process that started them, also when that one is killed; its folder is
removed even then, by a helper that notices the end of a pipe. Nothing of it is kept, so that it is
ended by SIGKILL.
"""

import contextlib
import json
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from legato.embedded.child import Child, Program
from legato.embedded.ports import LOOPBACK, Claims
from legato_cluster import binaries, pki

SERVICES = "10.96.0.0/16"
ISSUER = "https://kubernetes.default.svc"
START_TIMEOUT = 120.0
"""Seconds: 3 where nothing else runs, and tests share their machine."""
TICK = 0.05
SWEEPER = 'read _; until rm -rf "$0"; do sleep 0.2; done'
"""Reads until we close the pipe or die; a dying etcd may still write, hence the repetition."""
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


class NotStarted(Exception):
    """A part ended or was not ready in time; the text holds its last words."""


class ControlPlane:
    """A fresh API server, and what it needs."""

    def __init__(self, programs: Path, folder: Path | None = None) -> None:
        self._programs = programs
        self.folder = folder or Path(tempfile.mkdtemp(prefix="legato-cluster-"))
        self._claims = Claims()
        self._port, self._etcd, self._peer = (self._claims.free() for _ in range(3))
        self._children: list[Child] = []
        self._sweeper: subprocess.Popen[bytes] | None = None

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
        """Say the API server's address."""
        return f"https://{LOOPBACK}:{self._port}"

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
        for child in self._children:
            child.kill()
        for child in self._children:
            while child.code is None:
                time.sleep(TICK)
        self._claims.close()
        if self._sweeper is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        if self._sweeper.stdin:
            self._sweeper.stdin.close()
        self._sweeper.wait()

    def kubectl(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator; the caller looks at the exit code."""
        options = (f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.folder / 'kubectl'}")
        return subprocess.run(
            [self._programs / "kubectl", *options, *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def _start(self) -> None:
        self._sweeper = subprocess.Popen(
            ["/bin/sh", "-c", SWEEPER, str(self.folder)],
            stdin=subprocess.PIPE,
            process_group=0,
        )
        self._write_identities()
        self._run("etcd", *self._etcd_options())
        self._run("kube-apiserver", *self._server_options())
        self._wait_until_ready()
        self._run("kube-controller-manager", *self._manager_options())
        self._claims.close()

    def _run(self, name: str, *options: str) -> None:
        command = (str(self._programs / name), *options)
        log = self.folder / f"{name}.log"
        self._children.append(Child.start(Program(name, command, log, folder=self.folder)))

    def _write_identities(self) -> None:
        authority, folder = pki.Authority(), self.folder
        authority.identity.write(folder, "ca")
        authority.issue("kube-apiserver", address=LOOPBACK).write(folder, "server")
        key = pki.service_account_key()
        pki.Identity(pki.public_pem(key), pki.private_pem(key)).write(folder, "accounts")
        for name, user, group in (
            ("admin", "admin", "system:masters"),
            ("manager", "system:kube-controller-manager", ""),
        ):
            identity = authority.issue(user, group=group)
            identity.write(folder, name)
            file = folder / f"{name}.kubeconfig"
            file.touch(mode=0o600)
            file.write_bytes(pki.kubeconfig(self.url, authority, identity))
        (folder / "audit.json").write_text(json.dumps(AUDIT))

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
        folder = self.folder
        return [
            f"--etcd-servers=http://{LOOPBACK}:{self._etcd}",
            f"--bind-address={LOOPBACK}",
            f"--advertise-address={LOOPBACK}",
            f"--secure-port={self._port}",
            "--endpoint-reconciler-type=none",  # it refuses a loopback address
            f"--tls-cert-file={folder / 'server.crt'}",
            f"--tls-private-key-file={folder / 'server.key'}",
            f"--client-ca-file={folder / 'ca.crt'}",
            "--authorization-mode=RBAC",
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
        ]

    def _wait_until_ready(self) -> None:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        context.load_cert_chain(self.folder / "admin.crt", self.folder / "admin.key")
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            for child in self._children:
                if child.code is not None:
                    raise NotStarted(f"{child.program.name} ended: {child.last_words()}")
            with contextlib.suppress(OSError):
                url = f"{self.url}/readyz"
                with urllib.request.urlopen(url, context=context, timeout=5) as answer:
                    if answer.status == 200:
                        return
            time.sleep(TICK)
        words = self._children[-1].last_words()
        raise NotStarted(f"not ready within {START_TIMEOUT:.0f} s: {words}")


@contextlib.contextmanager
def running() -> Iterator[ControlPlane]:
    """Run a fresh control plane, its programs built if need be; binaries.NoCluster says why not."""
    with ControlPlane(binaries.folder()) as one:
        yield one
