"""A whole Kubernetes: a control plane and machines, on a network of their own on this machine.

Everything is in one process tree that ends with the process that started it, also when that one is
killed. Several run beside each other: only folders, control groups and ports of loopback are shared
with others, and these are chosen afresh. Its name server is a part of the control plane, not a pod,
so that names resolve whichever machine is lost.
"""

import contextlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from legato.embedded.child import Child, Program
from legato_cluster import binaries, groups, images, packages, waiting
from legato_cluster.control_plane import ControlPlane, Site
from legato_cluster.machine import PREFIX, Machine, Plan
from legato_cluster.problems import NoCluster, NotStarted
from legato_cluster.relays import Relays
from legato_cluster.spaces import Space
from legato_cluster.sweeper import Sweeper

NETWORK = "172.30.0"
ADDRESS = f"{NETWORK}.1"
"""The control plane's, on the network of all machines."""
MOST = 9
"""Machines that the addresses are laid out for."""
GRACE = 20
"""Seconds without a sign of life after which a machine counts as lost. Usual are 50, and every test
of a loss would wait for them."""
MANAGER = (f"--node-monitor-grace-period={GRACE}s", "--node-monitor-period=2s")
GROUND = f"""
ip link set lo up
ip link add lan type bridge
ip address add {ADDRESS}/24 dev lan
ip link set lan up
mkdir -p "$0/disks"
mount -t tmpfs disks "$0/disks"
"""
"""Images are unpacked in memory: on a disk tens of thousands of small files took minutes to remove.
It holds what a power cut must leave, and goes with the whole cluster.
"""
COREFILE = """.:53 {{
    errors
    cache 5
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {kubeconfig}
        ttl 5
    }}
}}
"""
TWICE = {"get", "patch", "apply", "annotate", "scale", "uncordon", "rollout"}
"""Of kubectl's words those that change nothing where they come a second time."""
UNANSWERED = (
    "Unable to connect to the server",
    "etcdserver:",
    "the server is currently unable to handle the request",
    "the server was unable to return a response in the time allotted",
    "connection refused",
    "TLS handshake timeout",
    "unexpected EOF",
    "http2:",
)
"""What kubectl says where the API server is away, or just back and busy."""
TICK = 0.5
PATIENCE = 300
"""Seconds that kubectl may wait for something to come true."""


def programs(say: binaries.Say = print) -> dict[str, Path]:
    """Build what is not there yet, and say where each program is; NoCluster says why not."""
    if sys.platform != "linux" or os.getuid():
        raise NoCluster("Machines of a cluster take Linux, and root.")
    packages.install()
    sets = (binaries.CONTROL_PLANE, binaries.MACHINES, binaries.DNS, binaries.ERRAND)
    return {name: binaries.built(one, say) / name for one in sets for name in one.packages}


class Cluster:
    """A running cluster."""

    def __init__(
        self,
        control: ControlPlane,
        ground: Space,
        relays: Relays,
        machines: Iterable[Machine],
        archives: Iterable[Path] = (),
    ) -> None:
        self.control = control
        self.machines = {one.name: one for one in machines}
        self._ground = ground
        self._relays = relays
        self._archives = list(archives)

    @property
    def kubeconfig(self) -> Path:
        """Say where the administrator's configuration is, for programs of this machine."""
        return self.control.kubeconfig

    def kubectl(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator; the caller looks at the exit code."""
        return self.control.kubectl(*words, stdin=stdin)

    def run(self, *words: str, stdin: str = "") -> str:
        """Run kubectl as the administrator and give what it says; NotStarted when it fails.

        What may be asked twice is asked again while the API server does not answer.
        """
        done, deadline = self.kubectl(*words, stdin=stdin), time.monotonic() + waiting.TIMEOUT
        while _was_unanswered(done, words) and time.monotonic() < deadline:
            time.sleep(TICK)
            done = self.kubectl(*words, stdin=stdin)
        if done.returncode:
            raise NotStarted(f"kubectl {' '.join(words)}: {done.stderr.strip()[-1500:]}")
        return done.stdout

    def wait(self, *words: str) -> None:
        """Let `kubectl wait` wait."""
        self.run("wait", f"--timeout={PATIENCE}s", *words)

    def reach(self, host: str, port: int) -> int:
        """Give a port of this machine's loopback that leads to a pod's or a machine's address."""
        return self._relays.to(host, port)

    def start(self, name: str, command: Sequence[str], log: Path) -> Child:
        """Start a program of this machine on the network of all machines, at ADDRESS."""
        return Child.start(Program(name, self._ground.on_its_network(*command), log))

    def load(self, *archives: Path) -> None:
        """Bring images into every machine, also into those that boot later."""
        self._archives += archives
        self._load(*self.machines)

    def boot(self, *names: str) -> None:
        """Let machines that have no power boot; they are ready some seconds later."""
        booting = [self.machines[name] for name in names]
        for machine in booting:
            self._connect(machine, machine.power_on(self._ground))
            machine.start_containerd()
        for machine in booting:
            machine.wait_for_containerd()
        self._load(*names)
        for machine in booting:
            machine.start_kubelet()

    def wait_until_ready(self, *names: str) -> None:
        """Wait until these machines, else all, take pods."""
        nodes = [f"node/{name}" for name in names or self.machines]
        children = [child for one in self.machines.values() for child in one.children]
        known = ("get", *nodes)
        waiting.until(lambda: not self.kubectl(*known).returncode, "machines", running=children)
        self.wait("--for=condition=Ready", *nodes)

    def cut_power(self, name: str) -> None:
        """End everything on a machine at once; returns when nothing of it is left."""
        self.machines[name].cut_power()

    def partition(self, name: str) -> None:
        """Take a machine off the network; all on it runs on."""
        self._ground.ip("link", "set", name, "down")

    def rejoin(self, name: str) -> None:
        """Put a machine on the network again."""
        self._ground.ip("link", "set", name, "up")

    def drain(self, name: str, *options: str) -> None:
        """Evict everything from a machine, as a person would who wants to work on it."""
        usual = ("--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={PATIENCE}s")
        self.run("drain", name, *usual, *options)

    def uncordon(self, name: str) -> None:
        """Let a drained machine take pods again."""
        self.run("uncordon", name)

    def restore(self) -> None:
        """Let every machine run, be reached, and take pods."""
        dead = [one.name for one in self.machines.values() if one.space is None]
        self.boot(*dead)
        for name in self.machines:
            self.rejoin(name)
            self.uncordon(name)
        self.wait_until_ready()

    def end(self) -> None:
        """End every machine."""
        for machine in self.machines.values():
            machine.cut_power()

    def _load(self, *names: str) -> None:
        def load(name: str) -> None:
            for archive in self._archives:
                self.machines[name].load(archive)

        with ThreadPoolExecutor() as pool:
            tuple(pool.map(load, names))

    def _connect(self, machine: Machine, space: Space) -> None:
        name, inner = machine.name, str(space.init)
        self._ground.ip(
            *("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", inner)
        )
        self._ground.ip("link", "set", name, "master", "lan", "up")
        space.ip("address", "add", f"{machine.plan.address}/24", "dev", "eth0")
        space.ip("link", "set", "eth0", "up")
        space.ip("route", "add", "default", "via", ADDRESS)
        for other in self.machines.values():
            if other is not machine:
                pods = f"{other.plan.pods}/{PREFIX}"
                space.ip("route", "add", pods, "via", other.plan.address)
        self._ground.ip(
            "route", "replace", f"{machine.plan.pods}/{PREFIX}", "via", machine.plan.address
        )


@contextlib.contextmanager
def running(
    where: Mapping[str, Path], *, machines: int = 2, archives: Iterable[Path] = ()
) -> Iterator[Cluster]:
    """Run a fresh cluster whose machines hold the images of these archives."""
    if not 1 <= machines <= MOST:
        raise ValueError(f"1 to {MOST} machines, not {machines}")
    folder = Path(tempfile.mkdtemp(prefix="legato-cluster-"))
    trees = (tree / folder.name for tree in groups.everywhere())
    with contextlib.ExitStack() as stack:
        stack.enter_context(Sweeper(folder, *trees))
        ground = Space("ground", folder / "ground", script=GROUND)
        stack.callback(ground.end)
        relays = Relays(ground)
        stack.callback(relays.end)
        site = Site(
            ADDRESS,
            ground.start,
            lambda port, inner: relays.open(port, ADDRESS, inner),
            MANAGER,
        )
        control = ControlPlane(where["etcd"].parent, folder / "control", site=site)
        stack.enter_context(control)
        _complete(control, where)
        planned = [
            Machine(_plan(number, folder, control, where)) for number in range(1, machines + 1)
        ]
        one = Cluster(control, ground, relays, planned, [_errand(folder, where), *archives])
        stack.callback(one.end)
        one.boot(*one.machines)
        one.wait_until_ready()
        account = ("get", "serviceaccount/default")
        waiting.until(lambda: not one.kubectl(*account).returncode, "the first service account")
        yield one


def _was_unanswered(done: subprocess.CompletedProcess[str], words: Sequence[str]) -> bool:
    said = any(one in done.stderr for one in UNANSWERED)
    return done.returncode != 0 and said and not TWICE.isdisjoint(words)


def _complete(control: ControlPlane, where: Mapping[str, Path]) -> None:
    """Start the scheduler and the name server."""
    scheduler = control.admit("scheduler", "system:kube-scheduler")
    options = ("--leader-elect=false", "--secure-port=0", "--profiling=false")
    control.run("kube-scheduler", where["kube-scheduler"], f"--kubeconfig={scheduler}", *options)
    reader = control.admit("coredns", "coredns", group="system:masters")
    corefile = control.folder / "Corefile"
    corefile.write_text(COREFILE.format(kubeconfig=reader))
    control.run("coredns", where["coredns"], "-conf", str(corefile))
    control.admit("proxy", "system:kube-proxy")


def _plan(number: int, folder: Path, control: ControlPlane, where: Mapping[str, Path]) -> Plan:
    name, address = f"machine-{number}", f"{NETWORK}.{10 + number}"
    user = f"system:node:{name}"
    control.admit(name, user, group="system:nodes")
    identity = control.authority.issue(user, group="system:nodes", addresses=[address])
    identity.write(control.folder, f"{name}-server")
    files = {
        "kubelet": f"{name}.kubeconfig",
        "proxy": "proxy.kubeconfig",
        "ca": "ca.crt",
        "crt": f"{name}-server.crt",
        "key": f"{name}-server.key",
    }
    return Plan(
        name=name,
        address=address,
        pods=f"10.244.{number}.0",
        folder=folder / name,
        disk=folder / "ground" / "disks" / name,
        group=f"{folder.name}/{name}",
        files={use: control.folder / file for use, file in files.items()},
        programs=where,
        dns=ADDRESS,
    )


def _errand(folder: Path, where: Mapping[str, Path]) -> Path:
    archive = folder / "errand.tar"
    architecture = images.ARCHITECTURES[platform.machine()]
    archive.write_bytes(images.of_program(where["errand"], images.ERRAND, ["pause"], architecture))
    return archive
