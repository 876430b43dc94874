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
from lightkube.config.client_adapter import ConnectionParams, ExecAuth
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError
from yaml import YAMLError

from kubernaut.adapters.kubernetes.login_plugin import LoginPlugin
from kubernaut.adapters.kubernetes.wire import WireTransport
from kubernaut.domain.errors import NoCluster

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
DEFAULT_KUBECONFIG: Final = "~/.kube/config"
_HELP: Final = "kubernaut diagnose --kubeconfig FILE\nkubernaut demo                    needs no cluster"
_LAST_PORT: Final = 65_535


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
        config = _choose(options)
        _check_address(config.cluster.server)
        timeout = httpx2.Timeout(options.read_timeout_s, connect=options.connect_timeout_s, pool=options.deadline_s)
        settings = ConnectionParams(timeout=timeout).httpx_params(config)
        if isinstance(settings["auth"], ExecAuth) and config.user is not None and config.user.exec is not None:
            settings["auth"] = LoginPlugin(config.user.exec)
        wire = None if _behind_proxy(config.cluster.server) else WireTransport(settings["verify"])
        return httpx2.AsyncClient(**{**settings, "transport": wire}), wire
    except (
        ConfigError,
        msgspec.ValidationError,
        YAMLError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        OSError,
        httpx2.InvalidURL,
    ) as error:
        raise NoCluster(f"no cluster: the configuration cannot be used: {error}", help=_HELP) from error


def _check_address(server: str) -> None:
    url = httpx2.URL(server)
    # 0 is no port to connect to, and a larger one than the last no port at all.
    if url.scheme not in {"http", "https"} or not url.host or not 0 < (url.port or 1) <= _LAST_PORT:
        raise NoCluster(f"no cluster: its address is {server!r}", help=_HELP)


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
