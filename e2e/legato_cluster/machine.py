"""One machine of a cluster: containerd, kubelet and kube-proxy in namespaces of their own.

To the pods it is a machine; to this one a process tree that a single kill ends: a power cut. What
is on its disk (images, volumes) survives that, and is there when it boots again.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from legato.embedded.child import Child
from legato_cluster import groups, images, waiting
from legato_cluster.spaces import Space

SOCKET = "/run/containerd/containerd.sock"
"""Inside the machine; elsewhere the kubelet's metrics would lack the names of pods."""
PLUGINS = "/usr/lib/cni"
PODS = "10.244.0.0/16"
PREFIX = 24
ROUTES = [{"dst": "0.0.0.0/0"}]
FIXED = {"kernel/panic": "10", "kernel/panic_on_oops": "1", "vm/overcommit_memory": "1"}
"""Settings of the kernel that the kubelet insists on, and would change for the whole of it: the
machine's own /proc shows it files with these values instead."""
LEASE_SECONDS = 8
"""A kubelet renews its lease each quarter of it: 2 s."""
BOOT = """
cp "$0/name" /proc/sys/kernel/hostname
rm -rf "$0/run"/*
mkdir -p "$0/run/lock"
mount --bind "$0/run" /run
mount -t overlay overlay -o "lowerdir=/var,upperdir=$0/var,workdir=$0/var.work" /var
while read -r name value; do
    file="$0/run/${name##*/}"
    echo "$value" > "$file"
    mount --bind "$file" "/proc/sys/$name"
done < "$0/settings"
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What a machine is told before it boots."""

    name: str
    address: str
    """On the network of all machines."""
    pods: str
    """The first address of its pods, which ends in 0."""
    folder: Path
    disk: Path
    """Where images are unpacked; it need not be a folder that this machine sees."""
    group: str
    """Its control group, below those of all."""
    files: Mapping[str, Path]
    """Where the kubeconfigs of `kubelet` and `proxy`, the authority's `ca` and the kubelet's `crt`
    and `key` are."""
    programs: Mapping[str, Path]
    dns: str


class Machine:
    """A machine that boots, loses its power, and boots again."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.space: Space | None = None
        self.children: list[Child] = []
        for name in ("run", "var", "var.work", "cni", "containerd", "kubelet"):
            (plan.folder / name).mkdir(parents=True, exist_ok=True)
        for name, text in _files(plan).items():
            (plan.folder / name).write_text(text)

    @property
    def name(self) -> str:
        """Say its name."""
        return self.plan.name

    def power_on(self, outer: Space) -> Space:
        """Start its namespaces; no program runs in them yet."""
        groups.make(self.plan.group)
        # Old ones would hold the kubelet's start up for seconds each.
        groups.empty(self.plan.group)
        self.space = Space(self.name, self.plan.folder, script=BOOT, outer=outer)
        return self.space

    def start_containerd(self) -> None:
        """Start what runs containers."""
        self._start("containerd", "/usr/bin/containerd", "-c", str(self._file("containerd.toml")))

    def wait_for_containerd(self) -> None:
        """Wait until it answers."""
        ready = (self._file("run") / "containerd/containerd.sock").exists
        waiting.until(ready, f"containerd of {self.name}", running=self.children)
        self._ctr("version")

    def load(self, archive: Path) -> None:
        """Bring in an image, unless that archive was brought in before."""
        facts = archive.stat()
        done = self._file("containerd") / f"{archive.name}-{facts.st_size}-{facts.st_mtime_ns}.done"
        if not done.exists():
            self._ctr("--namespace=k8s.io", "images", "import", str(archive))
            done.touch()

    def tag(self, image: str, name: str) -> None:
        """Give an image that is there another name."""
        self._ctr("--namespace=k8s.io", "images", "tag", "--force", image, name)

    def start_kubelet(self) -> None:
        """Start what runs pods, and what makes services reachable."""
        folder, files, programs = self.plan.folder, self.plan.files, self.plan.programs
        self._start(
            "kubelet",
            str(programs["kubelet"]),
            f"--config={folder / 'kubelet.json'}",
            f"--kubeconfig={files['kubelet']}",
            f"--root-dir={folder / 'kubelet'}",
            f"--hostname-override={self.name}",
            f"--node-ip={self.plan.address}",
        )
        self._start("kube-proxy", str(programs["kube-proxy"]), f"--config={folder / 'proxy.json'}")

    def cut_power(self) -> None:
        """End all of it at once, as a power cut does; returns when nothing of it is left."""
        if self.space:
            self.space.end()
        waiting.ended(self.children)
        self.children.clear()
        self.space = None

    def _start(self, name: str, *command: str) -> None:
        if self.space is None:
            raise RuntimeError(f"{self.name} has no power")
        log = self._file(f"{name}.log")
        self.children.append(self.space.start(f"{name} of {self.name}", command, log))

    def _ctr(self, *words: str) -> None:
        if self.space is None:
            raise RuntimeError(f"{self.name} has no power")
        self.space.run("ctr", f"--address={SOCKET}", *words)

    def _file(self, name: str) -> Path:
        return self.plan.folder / name


def _files(plan: Plan) -> dict[str, str]:
    return {
        "name": plan.name,
        "settings": "".join(f"{name} {value}\n" for name, value in FIXED.items()),
        "containerd.toml": _containerd(plan),
        "cni/10-pods.conflist": json.dumps(_network(plan)),
        "kubelet.json": json.dumps(_kubelet(plan)),
        "proxy.json": json.dumps(_proxy(plan)),
        "resolv.conf": f"nameserver {plan.dns}\n",
    }


def _containerd(plan: Plan) -> str:
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = "{plan.disk / "root"}"
state = "/run/containerd"
[grpc]
address = "{SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
path = "{plan.disk / "opt"}"
[{cri}]
sandbox_image = "{images.ERRAND}"
restrict_oom_score_adj = true  # to lower it takes a right that containers of ours may lack
disable_apparmor = true
disable_hugetlb_controller = true
[{cri}.cni]
bin_dir = "{PLUGINS}"
conf_dir = "{plan.folder / "cni"}"
[{cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


def _network(plan: Plan) -> dict[str, Any]:
    """Route each pod by itself: over a bridge a service's pod would answer past the service."""
    addresses = {
        "type": "host-local",
        "dataDir": "/run/cni-addresses",
        "ranges": [[{"subnet": f"{plan.pods}/{PREFIX}"}]],
        "routes": ROUTES,
    }
    plugin = {"type": "ptp", "ipMasq": False, "ipam": addresses}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [plugin]}


def _kubelet(plan: Plan) -> dict[str, Any]:
    nearly_nothing = ("nodefs.available", "imagefs.available", "nodefs.inodesFree")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(plan.files["ca"])},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(plan.files["crt"]),
        "tlsPrivateKeyFile": str(plan.files["key"]),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{plan.group}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "protectKernelDefaults": True,
        "clusterDNS": [plan.dns],
        "clusterDomain": "cluster.local",
        "resolvConf": str(plan.folder / "resolv.conf"),
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "volumePluginDir": str(plan.folder / "kubelet/plugins"),
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "50Mi", **dict.fromkeys(nearly_nothing, "1%")},
        "nodeLeaseDurationSeconds": LEASE_SECONDS,
        "nodeStatusUpdateFrequency": "5s",
        "healthzBindAddress": "127.0.0.1",
    }


def _proxy(plan: Plan) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(plan.files["proxy"])},
        "clusterCIDR": PODS,
        "hostnameOverride": plan.name,
        # Limits of the whole kernel, which are not a machine's to change.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }
