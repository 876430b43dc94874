"""etcd, the API server, the controller manager and the scheduler, as children of the tests."""

import http.client
import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.certificates import Authority, KeyPair
from tests.cluster.processes import Child, free_ports, start, wait_until
from tests.cluster.programs import Kubernetes

SERVICE_ADDRESSES = "10.96.0.0/16"
POD_ADDRESSES = "10.244.0.0/16"


@dataclass(frozen=True)
class ControlPlane:
    authority: Authority
    server: str
    admin: Path  # kubeconfig with all rights


@contextmanager
def control_plane(
    kubernetes: Kubernetes, certificates: Authority, folder: Path, *, address: str, controllers: bool
) -> Iterator[ControlPlane]:
    """A running control plane; without `controllers` the API server alone, as for tests of the API only."""
    logs = folder / "logs"
    with ExitStack() as stack:

        def keep(child: Child) -> Child:
            stack.callback(child.stop)
            return child

        etcd_url = f"http://127.0.0.1:{(ports := free_ports(2))[0]}"
        etcd = keep(start("etcd", _etcd(kubernetes, folder, etcd_url, ports[1]), logs))
        port = free_ports(1, address)[0]
        plane = ControlPlane(
            certificates,
            f"https://{address}:{port}",
            certificates.kubeconfig(
                certificates.issue("bed-admin", organisation="system:masters"), f"https://{address}:{port}"
            ),
        )
        command = [*kubernetes.command("kube-apiserver"), *_api_server(certificates, etcd_url, address, port)]
        api_server = keep(start("kube-apiserver", command, logs))
        if controllers:
            _write_component_kubeconfigs(plane)
        wait_until("the API server is ready", lambda: _is_ready(certificates, address, port), child=api_server)
        if not etcd.is_running():
            raise RuntimeError(etcd.last_words())
        if controllers:
            for name, flags in (
                ("kube-controller-manager", _controller_manager(certificates)),
                ("kube-scheduler", _scheduler()),
            ):
                kubeconfig = str(certificates.folder / f"system-{name}.kubeconfig")
                keep(start(name, [*kubernetes.command(name), f"--kubeconfig={kubeconfig}", *flags], logs))
        yield plane


def _write_component_kubeconfigs(plane: ControlPlane) -> None:
    for name in ("system:kube-controller-manager", "system:kube-scheduler"):
        plane.authority.kubeconfig(plane.authority.issue(name), plane.server)


def _etcd(kubernetes: Kubernetes, folder: Path, url: str, peer_port: int) -> Sequence[str]:
    peer = f"http://127.0.0.1:{peer_port}"
    return [
        str(kubernetes.etcd()),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
    ]


def _api_server(authority: Authority, etcd_url: str, address: str, port: int) -> Sequence[str]:
    hosts = [address, "127.0.0.1", "10.96.0.1", "localhost", "kubernetes.default.svc"]
    serving = authority.issue("kube-apiserver", hosts=hosts)
    to_kubelet = authority.issue("kube-apiserver-kubelet-client", organisation="system:masters")
    accounts = authority.issue("service-accounts")
    return [
        f"--etcd-servers={etcd_url}",
        f"--bind-address={address}",
        f"--advertise-address={address}",
        f"--secure-port={port}",
        f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={authority.root.certificate}",
        *_pair(serving, "--tls-cert-file", "--tls-private-key-file"),
        *_pair(to_kubelet, "--kubelet-client-certificate", "--kubelet-client-key"),
        f"--kubelet-certificate-authority={authority.root.certificate}",
        f"--service-account-key-file={accounts.certificate}",
        f"--service-account-signing-key-file={accounts.key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        # The kubelet has one address and no name that resolves.
        "--kubelet-preferred-address-types=InternalIP",
        # This estimate needs an etcd newer than Debian's and logs an error a second without.
        "--feature-gates=SizeBasedListCostEstimate=false",
        # A pod leaves a dead node in a test's patience, not in five minutes.
        "--default-not-ready-toleration-seconds=20",
        "--default-unreachable-toleration-seconds=20",
    ]


def _pair(pair: KeyPair, certificate_flag: str, key_flag: str) -> list[str]:
    return [f"{certificate_flag}={pair.certificate}", f"{key_flag}={pair.key}"]


def _controller_manager(authority: Authority) -> Sequence[str]:
    return [
        "--leader-elect=false",
        "--secure-port=0",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={authority.root.certificate.with_name('service-accounts.key')}",
        f"--root-ca-file={authority.root.certificate}",
        f"--cluster-cidr={POD_ADDRESSES}",
        f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
        "--node-monitor-period=1s",
        "--node-monitor-grace-period=10s",
    ]


def _scheduler() -> Sequence[str]:
    return ["--leader-elect=false", "--secure-port=0"]


def _is_ready(authority: Authority, address: str, port: int) -> bool:
    context = ssl.create_default_context(cafile=str(authority.root.certificate))
    connection = http.client.HTTPSConnection(address, port, context=context, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
