"""Rows 94 to 99: what a program is told by the servers that it depends on.

The servers' answers are written into the program's log, in the words of real servers and drivers: the sandbox's
programs do not speak their protocols.
"""

from __future__ import annotations

import json

from bench.diagnosis.cases import Aim, Policy, about, fault
from bench.diagnosis.system import System, first, probe
from kubernaut.domain.objects import JsonObject
from kubernaut.sandbox.applications import Misfortune
from kubernaut.sandbox.kinds import CONFIG_MAP, SECRET
from kubernaut.sandbox.scenarios.manifests import apply_manifest
from kubernaut.sandbox.shapes import section

_CRASH = "KubePodCrashLooping KubePodNotReady KubeDeploymentReplicasMismatch"
_REFUSED = (
    'MongoServerError: not authorized on records to execute command { find: "pages", filter: {} }',
    "pymongo.errors.OperationFailure: Authentication failed., full error: {'ok': 0.0, 'code': 18}",
    'FATAL:  password authentication failed for user "clerk"',
    "ERROR 1045 (28000): Access denied for user 'clerk'@'10.244.1.7' (using password: YES)",
)
_ENCRYPTED = (
    "MongoServerSelectionError: The server is configured to only allow SSL connections: requireTLS",
    'FATAL:  no pg_hba.conf entry for host "10.244.2.9", user "clerk", database "records", no encryption',
    "ERROR 3159 (HY000): Connections using insecure transport are prohibited while --require_secure_transport=ON.",
)
_EXHAUSTED = (
    "ERROR 1040 (HY000): Too many connections",
    "FATAL:  sorry, too many clients already",
    "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
    "ERROR 1290 (HY000): The MySQL server is running with the --read-only option so it cannot execute this statement",
    "ERROR:  cannot execute INSERT in a read-only transaction",
)
_CACHE = (
    "redis.exceptions.AuthenticationError: Authentication required.",
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
)


@fault(94, "credentials_refused", Policy.ESCALATE, alerts=_CRASH, written=True)
def account_taken_away(system: System) -> None:
    system.strike(1, system.names.one(*_REFUSED))


@fault(95, "tls_mismatch", Policy.ACT, alerts=_CRASH, written=True)
def encryption_demanded(system: System) -> Aim:
    def edit(manifest: JsonObject) -> None:
        first(manifest)["args"] = [f"--listen=:{system.store.port}", "--verbose"]

    system.apply(edit, system.store)
    system.wait(2)
    system.strike(1, system.names.one(*_ENCRYPTED))
    return about(system.target.ref, system.store.ref)


@fault(96, "configuration_edited credentials_refused", Policy.APPROVE, alerts=_CRASH, written=True)
def password_changed_in_its_secret(system: System) -> None:
    name = system.target.credentials_name
    system.change(SECRET, system.namespace, name, lambda item: section(item, "data").update(TOKEN="b3RoZXI="))
    system.strike(1, system.names.one(*_REFUSED[2:]))
    system.recreate_pods()


def _asked_apart(system: System) -> None:
    """Whether it is ready is asked elsewhere than whether it is alive: a restart would read the new password."""
    system.apply(probe("readinessProbe", httpGet={"path": "/readyz", "port": system.target.port}))


@fault(
    97,
    "stale_secret",
    Policy.ACT,
    alerts="KubePodNotReady KubeDeploymentReplicasMismatch",
    written=True,
    prepare=_asked_apart,
)
def former_password_in_use(system: System) -> None:
    """The Secret is replaced, and the pods, which read it at their start, are turned away and not ready."""
    name = system.target.credentials_name
    system.change(SECRET, system.namespace, name, lambda item: section(item, "data").update(TOKEN="bmV3ZXI="))
    system.wait(2)
    line = system.names.one(*_REFUSED)
    paths = frozenset({"/readyz"})
    system.universe.strike(system.target.image, Misfortune(system.clock.now(), paths=paths))
    for pod in system.pods():
        for spec in pod.trees("spec", "containers"):
            log = system.universe.kubelets.find_log(pod, spec.text("name"), previous=False)
            log.add(system.clock.now(), line, line)


def _flags(variant: str) -> str:
    flag: JsonObject = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": variant}
    other: JsonObject = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    return json.dumps({"flags": {"smallPages": other, "slowLookup": flag}}, indent=2)


def flagged(system: System) -> None:
    """A program that gives out flags from a ConfigMap that was applied, and the target, which asks it."""
    content: JsonObject = {"flags.json": _flags("off")}
    name = f"{system.store.name}-switches"
    metadata: JsonObject = {"name": name, "namespace": system.namespace}
    apply_manifest(system.cluster, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": content})

    def mount(manifest: JsonObject) -> None:
        volume: JsonObject = {"name": "switches", "configMap": {"name": name}}
        section(manifest, "spec", "template", "spec")["volumes"] = [volume]

    def ask(manifest: JsonObject) -> None:
        host: JsonObject = {"name": "FLAGD_HOST", "value": system.store.name}
        first(manifest)["env"] = [*system.target.environment(), host]

    system.apply(mount, system.store)
    system.apply(ask)


def turn(system: System) -> None:
    """`kubectl edit` of the flag."""
    name = f"{system.store.name}-switches"
    system.change(
        CONFIG_MAP, system.namespace, name, lambda item: section(item, "data").update({"flags.json": _flags("on")})
    )


@fault(101, "flag_turned", Policy.APPROVE, alerts="HighErrorRate SloBurnRateHigh", written=True, prepare=flagged)
def switch_turned_on(system: System) -> None:
    """The flag is an object; what the program says of the requests that fail since is written into its log."""
    turn(system)
    system.wait(1)
    line = system.names.one(
        'level=error msg="request failed" path=/v2/items err="lookup: deadline exceeded"',
        "ERROR c.e.pages.Handler - 500 GET /v2/items: lookup failed",
    )
    for pod in system.pods():
        for spec in pod.trees("spec", "containers"):
            log = system.universe.kubelets.find_log(pod, spec.text("name"), previous=False)
            log.add(system.clock.now(), line, line)


@fault(98, "credentials_refused", Policy.APPROVE, alerts=_CRASH, written=True)
def cache_wants_a_password(system: System) -> None:
    system.strike(1, system.names.one(*_CACHE))


@fault(99, "server_exhausted", Policy.ESCALATE, alerts=_CRASH, written=True)
def store_takes_nobody(system: System) -> None:
    system.strike(1, system.names.one(*_EXHAUSTED))
