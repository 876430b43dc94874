"""The certificates of one cluster, made with openssl: an authority, servers, and one client for each component."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.processes import run

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


@dataclass(frozen=True)
class KeyPair:
    certificate: Path
    key: Path


class Authority:
    """Signs for everything in one cluster; lives as long as the folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.root = KeyPair(folder / "ca.crt", folder / "ca.key")
        run(["openssl", "req", "-x509", *_KEY, "-days", "2", "-subj", "/CN=test-bed-ca",
             "-keyout", str(self.root.key), "-out", str(self.root.certificate)])  # fmt: skip

    def issue(self, name: str, *, organisation: str = "", hosts: Sequence[str] = ()) -> KeyPair:
        """A certificate for the name, good as a client and, with hosts, as a server."""
        stem = name.replace(":", "-")
        pair = KeyPair(self.folder / f"{stem}.crt", self.folder / f"{stem}.key")
        request = self.folder / f"{stem}.csr"
        extensions = self.folder / f"{stem}.ext"
        subject = (f"/O={organisation}" if organisation else "") + f"/CN={name}"
        run(["openssl", "req", *_KEY, "-subj", subject, "-keyout", str(pair.key), "-out", str(request)])
        extensions.write_text(_extensions(hosts))
        run(["openssl", "x509", "-req", "-in", str(request), "-CA", str(self.root.certificate),
             "-CAkey", str(self.root.key), "-CAcreateserial", "-days", "2", "-extfile", str(extensions),
             "-out", str(pair.certificate)])  # fmt: skip
        return pair

    def kubeconfig(self, pair: KeyPair, server: str) -> Path:
        """A kubeconfig, complete in one file, with which the holder reaches the API server."""
        path = pair.certificate.with_suffix(".kubeconfig")
        user = {"client-certificate-data": _encoded(pair.certificate), "client-key-data": _encoded(pair.key)}
        cluster = {"server": server, "certificate-authority-data": _encoded(self.root.certificate)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test-bed",
            "clusters": [{"name": "test-bed", "cluster": cluster}],
            "users": [{"name": "holder", "user": user}],
            "contexts": [{"name": "test-bed", "context": {"cluster": "test-bed", "user": "holder"}}],
        }
        path.write_text(json.dumps(content))
        path.chmod(0o600)
        return path


def _extensions(hosts: Sequence[str]) -> str:
    names = [("IP:" if host.replace(".", "").isdigit() else "DNS:") + host for host in hosts]
    lines = ["keyUsage=digitalSignature", "extendedKeyUsage=clientAuth,serverAuth"]
    if names:
        lines.append("subjectAltName=" + ",".join(names))
    return "\n".join(lines) + "\n"


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
