"""`python -m deploy.cluster.node`: the first process in the namespaces. All in them ends with it."""

import os
import signal
import subprocess
import time
from pathlib import Path

from deploy.cluster.access import PKI
from deploy.cluster.folders import CENTRE, KUBE, NODE, OUTSIDE, PACS, STATE, mounting

MOUNTS = {
    "kubelet": "/var/lib/kubelet",
    "containerd": "/var/lib/containerd",
    "net.d": "/etc/cni/net.d",
    "cni": "/var/lib/cni",
    "pods": "/var/log/pods",
}
KERNEL = {"vm/overcommit_memory": "1", "kernel/panic": "10", "kernel/panic_on_oops": "1"}
"""The kubelet sets these where they differ. They are the whole machine's, so it is shown what it wants."""
SERVICES = "10.96.0.0/16"


def main() -> None:
    """Lay the ground, start the parts, and stay."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    _mounts()
    _network()
    _control_plane()
    while True:
        try:  # as the first process it also collects what others leave
            os.wait()
        except ChildProcessError:
            time.sleep(1)


def _mounts() -> None:
    _run("mount", "--make-rshared", "/")
    _run("mount", "-t", "tmpfs", "tmpfs", "/run")
    for name, target in MOUNTS.items():
        Path(target).mkdir(parents=True, exist_ok=True)
        _run("mount", "--bind", str(STATE / name), target)
    for name, value in KERNEL.items():
        shown = STATE / "kernel" / Path(name).name
        shown.write_text(f"{value}\n")
        _run("mount", "--bind", str(shown), f"/proc/sys/{name}")
    for disk in sorted((STATE / "claims").glob("*.img")):
        _run(*mounting(disk))


def _network() -> None:
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "netns", "add", OUTSIDE)
    _run("ip", "link", "add", "node0", "type", "veth", "peer", "name", "eth0", "netns", OUTSIDE)
    for address in (f"{NODE}/24", "192.0.2.1/24", "198.51.100.1/24"):
        _run("ip", "address", "add", address, "dev", "node0")
    _run("ip", "link", "set", "node0", "up")
    _run("ip", "route", "add", "default", "dev", "node0")
    for address in ("10.77.0.9/24", f"{PACS}/24", f"{CENTRE}/24"):
        _run("ip", "-n", OUTSIDE, "address", "add", address, "dev", "eth0")
    for device in ("lo", "eth0"):
        _run("ip", "-n", OUTSIDE, "link", "set", device, "up")
    _run("ip", "-n", OUTSIDE, "route", "add", "default", "via", NODE)
    _run("sysctl", "-q", "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")


def _control_plane() -> None:
    accounts = "https://kubernetes.default.svc"
    _start("etcd", "etcd", f"--data-dir={STATE}/etcd", "--unsafe-no-fsync", "--log-level=warn")
    _start(
        "apiserver",
        str(KUBE / "kube-apiserver"),
        "--etcd-servers=http://127.0.0.1:2379",
        f"--advertise-address={NODE}",
        "--secure-port=6443",
        f"--service-cluster-ip-range={SERVICES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--token-auth-file={PKI}/tokens.csv",
        f"--client-ca-file={PKI}/ca.crt",
        f"--tls-cert-file={PKI}/apiserver.crt",
        f"--tls-private-key-file={PKI}/apiserver.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={PKI}/to-kubelet.crt",
        f"--kubelet-client-key={PKI}/to-kubelet.key",
        f"--service-account-issuer={accounts}",
        f"--service-account-key-file={PKI}/accounts.key",
        f"--service-account-signing-key-file={PKI}/accounts.key",
    )
    _start("containerd", "containerd", f"--config={STATE}/containerd.toml")
    _until("get", "--raw", "/readyz")
    _start(
        "manager",
        str(KUBE / "kube-controller-manager"),
        f"--kubeconfig={STATE}/manager.conf",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--root-ca-file={PKI}/ca.crt",
        f"--service-account-private-key-file={PKI}/accounts.key",
        "--cluster-cidr=10.244.0.0/16",
        "--allocate-node-cidrs=true",
    )
    _start(
        "scheduler",
        str(KUBE / "kube-scheduler"),
        f"--kubeconfig={STATE}/scheduler.conf",
        "--leader-elect=false",
    )
    _start(
        "kubelet",
        str(KUBE / "kubelet"),
        f"--config={STATE}/kubelet.yaml",
        f"--kubeconfig={STATE}/kubelet.conf",
        "--hostname-override=node",
        f"--node-ip={NODE}",
    )
    _start("proxy", str(KUBE / "kube-proxy"), f"--config={STATE}/proxy.yaml")
    _until("get", "node", "node")
    _start(
        "netpol",
        str(KUBE / "netpol"),
        f"--kubeconfig={STATE}/netpol.conf",
        "--hostname-override=node",
        f"--service-cluster-ip-range={SERVICES}",
    )


def _until(*words: str) -> None:
    while _kubectl(*words):
        time.sleep(1)


def _kubectl(*words: str) -> int:
    environment = {**os.environ, "KUBECONFIG": str(STATE / "admin.conf")}
    return subprocess.run(["kubectl", *words], env=environment, capture_output=True).returncode


def _start(name: str, *command: str) -> None:
    with (STATE / "log" / f"{name}.log").open("ab") as log:
        subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
