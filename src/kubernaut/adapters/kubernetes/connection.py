"""From a kubeconfig or a service account to one pooled HTTP client.

lightkube reads the configuration and authenticates (tokens that rotate, client certificates, exec plugins). Requests
and objects are ours: its typed layer bounds no list, restarts no expired page, and turns a request that was cut
after it was sent into the same error as one that never left.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx2
import msgspec
from lightkube.config.client_adapter import ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import NameValue, User
from lightkube.core.exceptions import ConfigError
from yaml import YAMLError

from kubernaut.adapters.kubernetes.wire import WireTransport
from kubernaut.domain.errors import NoCluster

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
DEFAULT_KUBECONFIG: Final = "~/.kube/config"
_HELP: Final = "kubernaut diagnose --kubeconfig FILE\nkubernaut demo                    needs no cluster"
_EXEC_V1: Final = "client.authentication.k8s.io/v1"
_EXEC_V1_INFO: Final = f'{{"apiVersion":"{_EXEC_V1}","kind":"ExecCredential","spec":{{"interactive":false}}}}'


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """Which cluster, and how patiently it is asked.

    `kubeconfig` is a path, or several as in KUBECONFIG; empty means the pod's service account, then `~/.kube/config`.
    `context` empty means the current one.
    """

    kubeconfig: str = ""
    context: str = ""
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 15.0
    deadline_s: float = 30.0
    concurrency: int = 32
    service_account: Path = SERVICE_ACCOUNT


def open_client(options: ClusterOptions) -> tuple[httpx2.AsyncClient, WireTransport | None]:
    """A client of the chosen cluster, and its transport where that is ours; the caller closes the client.

    Raises `NoCluster` with what to do about it.
    """
    try:
        config = _accept_exec_v1(_choose(options))
        timeout = httpx2.Timeout(options.read_timeout_s, connect=options.connect_timeout_s, pool=options.deadline_s)
        settings = ConnectionParams(timeout=timeout).httpx_params(config)
        wire = None if _behind_proxy(config.cluster.server) else WireTransport(settings["verify"])
        return httpx2.AsyncClient(**{**settings, "transport": wire}), wire
    except (
        ConfigError,
        msgspec.ValidationError,
        YAMLError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        OSError,
    ) as error:
        raise NoCluster(f"no cluster: the configuration cannot be used: {error}", help=_HELP) from error


def _behind_proxy(server: str) -> bool:
    """Whether HTTPS_PROXY and its like lead to that address by a detour."""
    url = httpx2.URL(server)
    proxies = getproxies()
    return ("all" in proxies or url.scheme in proxies) and not proxy_bypass(url.host)


def _choose(options: ClusterOptions) -> SingleConfig:
    # In a pod, unless somebody names a file: the account's token is what the role was given to.
    if not options.kubeconfig and (options.service_account / "token").is_file():
        return _selected(KubeConfig.from_service_account(options.service_account), options.context)
    paths = [Path(path).expanduser() for path in (options.kubeconfig or DEFAULT_KUBECONFIG).split(os.pathsep) if path]
    present = [path for path in paths if path.is_file()]
    if not present:
        raise NoCluster(f"no cluster: {_missing(options, paths)}", help=_HELP)
    configs = [KubeConfig.from_file(path) for path in present]
    # As kubectl does: of several files the first that says something wins.
    wanted = options.context or next((config.current_context for config in configs if config.current_context), None)
    if wanted is None:
        raise NoCluster(f"no cluster: {present[0]} has no current context", help="kubectl config use-context NAME")
    return _selected(_holder(configs, wanted), wanted)


def _holder(configs: list[KubeConfig], wanted: str) -> KubeConfig:
    for config in configs:
        if wanted in config.contexts:
            return config
    known = ", ".join(sorted(name for config in configs for name in config.contexts)) or "none"
    raise NoCluster(f"no cluster: there is no context {wanted}; known: {known}", help=_HELP)


def _selected(config: KubeConfig, context: str) -> SingleConfig:
    chosen = config.get(context or None)
    if chosen is None:
        raise NoCluster(f"no cluster: there is no context {context}", help=_HELP)
    return chosen if chosen.user else chosen._replace(user=User())


def _missing(options: ClusterOptions, paths: list[Path]) -> str:
    if options.kubeconfig:
        return f"{', '.join(map(str, paths))} does not exist"
    return f"KUBECONFIG is not set, {DEFAULT_KUBECONFIG} does not exist,\n       and this is not a pod"


def _accept_exec_v1(config: SingleConfig) -> SingleConfig:
    """Lets a v1 exec plugin run: its reply has the form of v1beta1, but it wants to be told which version we speak."""
    user = config.user
    if user is None or user.exec is None or user.exec.apiVersion != _EXEC_V1:
        return config
    variables = [*(user.exec.env or []), NameValue("KUBERNETES_EXEC_INFO", _EXEC_V1_INFO)]
    plugin = msgspec.structs.replace(user.exec, apiVersion=f"{_EXEC_V1}beta1", env=variables)
    return config._replace(user=msgspec.structs.replace(user, exec=plugin))
