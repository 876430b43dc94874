"""More faults than the demo plays: plain writes to the healthy system, with the cause that is right.

Nothing in the cluster tells the answer: the names are those of any shop, and what breaks is what breaks in clusters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.sandbox.applications import Application, Listener
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import BY_NAME, DEPLOYMENT, JOB, NAMESPACE, SERVICE, Kind
from kubernaut.sandbox.scenarios.manifests import (
    REGISTRY,
    apply_changed,
    apply_manifest,
    container_of,
    delete_pods,
    edit_service,
    patch_settings,
    scale,
)
from kubernaut.sandbox.scenarios.system import APPS
from kubernaut.sandbox.shapes import entries, section
from kubernaut.sandbox.universe import Universe

Edit = Callable[[JsonObject], None]
_TEAM = By("kubectl-create")
_EDITOR = By("kubectl-edit")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault on one app: what is done, and what a right diagnosis says of its object within a quarter of an hour."""

    name: str
    app: str
    inject: Callable[[Universe], None]
    cause: str
    verdict: Verdict = Verdict.ESCALATE
    kind: Kind = DEPLOYMENT
    prepare: Callable[[Universe], None] = lambda _: None

    @property
    def target(self) -> ObjectRef:
        """The object that an alert would name."""
        return ObjectRef(self.kind.api_version, self.kind.name, APPS[self.app].namespace, self.app)


def _nothing(_universe: Universe) -> None:
    """No preparation is needed."""


def _changed(  # one argument a part of the fault
    name: str,
    app: str,
    edit: Edit,
    cause: str,
    verdict: Verdict = Verdict.ACT,
    *,
    prepare: Callable[[Universe], None] = _nothing,
) -> Fault:
    """A fault that comes with a change of the app's template."""
    return Fault(name, app, lambda universe: apply_changed(universe.cluster, APPS[app], edit), cause, verdict,
                 prepare=prepare)  # fmt: skip


def _container(**fields: Json) -> Edit:
    return lambda manifest: container_of(manifest).update(fields)


def _probe(kind: str, **fields: Json) -> Edit:
    def edit(manifest: JsonObject) -> None:
        section(container_of(manifest), kind).update(fields)

    return edit


def _pod(**fields: Json) -> Edit:
    return lambda manifest: section(manifest, "spec", "template", "spec").update(fields)


def _beside(manifest: JsonObject) -> None:
    spec = section(manifest, "spec", "template", "spec")
    first = container_of(manifest)
    spec["containers"] = [first, {**first, "name": "mirror", "readinessProbe": None, "livenessProbe": None}]


def _before(name: str, *arguments: str) -> Edit:
    def edit(manifest: JsonObject) -> None:
        image, env = container_of(manifest)["image"], container_of(manifest)["env"]
        first: JsonObject = {"name": name, "image": image, "env": env, "args": [*arguments]}
        section(manifest, "spec", "template", "spec")["initContainers"] = [first]

    return edit


def _apart(manifest: JsonObject) -> None:
    rule: JsonObject = {"labelSelector": {"matchLabels": {"app": "checkout"}}, "topologyKey": "kubernetes.io/hostname"}
    required: JsonObject = {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}
    section(manifest, "spec", "template", "spec")["affinity"] = {"podAntiAffinity": required}


def _mount(manifest: JsonObject) -> None:
    volume: JsonObject = {"name": "data", "persistentVolumeClaim": {"claimName": "order-records"}}
    section(manifest, "spec", "template", "spec")["volumes"] = [volume]


def _empty_setting(universe: Universe) -> None:
    patch_settings(universe.cluster, APPS["indexer"], {"UPSTREAM_URL": ""})
    delete_pods(universe.cluster, APPS["indexer"])


def _offer_udp(universe: Universe) -> None:
    def edit(draft: JsonObject) -> None:
        entries(draft, "spec", "ports")[0]["protocol"] = "UDP"

    edit_service(universe.cluster, APPS["basket"], edit)


def _bound(universe: Universe) -> None:
    limit: JsonObject = {"type": "Container", "max": {"memory": "512Mi"}}
    body: JsonObject = {"metadata": {"name": "sizes"}, "spec": {"limits": [limit]}}
    universe.cluster.create(BY_NAME["v1", "LimitRange"], APPS["browse"].namespace, body, _TEAM)


def _grow(manifest: JsonObject) -> None:
    section(container_of(manifest), "resources", "limits")["memory"] = "1Gi"


def _restrict(universe: Universe) -> None:
    def edit(draft: JsonObject) -> None:
        section(draft, "metadata", "labels")["pod-security.kubernetes.io/enforce"] = "restricted"

    app = APPS["profile"]
    universe.cluster.change(NAMESPACE, "", app.namespace, edit, _EDITOR)
    delete_pods(universe.cluster, app)


def _give_store(universe: Universe) -> None:
    """Lets `ledger` depend on a store behind a Service of its namespace, and makes the store."""
    app = APPS["ledger"]
    image = f"{REGISTRY}/{app.namespace}/{app.name}"
    caller = Application((Listener(8080),), required_env=("LOG_LEVEL",), calls=("UPSTREAM_URL",))
    universe.world.publish({app.image: caller, f"{image}-store:1.0.0": Application((Listener(9000),))})
    labels: JsonObject = {"app": f"{app.name}-store"}
    container: JsonObject = {"name": "store", "image": f"{image}-store:1.0.0", "ports": [{"containerPort": 9000}]}
    template: JsonObject = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    place: JsonObject = {"name": f"{app.name}-store", "namespace": app.namespace}
    store: JsonObject = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    apply_manifest(universe.cluster, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": place, "spec": store})
    front: JsonObject = {"selector": labels, "ports": [{"port": 9000, "targetPort": 9000}]}
    apply_manifest(universe.cluster, {"apiVersion": "v1", "kind": "Service", "metadata": place, "spec": front})


def _lose_store(universe: Universe) -> None:
    app = APPS["ledger"]
    universe.cluster.delete(SERVICE, app.namespace, f"{app.name}-store", By("kubectl"))
    delete_pods(universe.cluster, app)


def _call(address: str) -> Edit:
    def edit(manifest: JsonObject) -> None:
        env = [entry for entry in entries(container_of(manifest), "env") if entry.get("name") != "UPSTREAM_URL"]
        listed: list[Json] = [*env, {"name": "UPSTREAM_URL", "value": address}]
        container_of(manifest)["env"] = listed

    return edit


def _foreign(universe: Universe) -> None:
    app = APPS["storefront"]
    built = Application((Listener(8080),), arch="arm64")
    universe.world.publish({f"{REGISTRY}/{app.namespace}/{app.name}:5.1.0": built})
    apply_changed(universe.cluster, app, _container(image=f"{REGISTRY}/{app.namespace}/{app.name}:5.1.0"))


def _needs_disk(universe: Universe) -> None:
    app = APPS["sender"]
    known = universe.world.images[app.image]
    writing = Application(known.listeners, flags=known.flags, required_env=known.required_env, writes="/var/spool/mail")
    universe.world.publish({app.image: writing})


def _run_once(universe: Universe) -> None:
    app = APPS["exporter"]
    container: JsonObject = {"name": "export", "image": app.image, "args": ["--since=2026"]}
    template: JsonObject = {"spec": {"containers": [container], "restartPolicy": "Never"}}
    body: JsonObject = {"metadata": {"name": app.name}, "spec": {"backoffLimit": 1, "template": template}}
    universe.cluster.create(JOB, app.namespace, body, _TEAM)


def _hold(universe: Universe) -> None:
    app = APPS["timeline"]

    def edit(draft: JsonObject) -> None:
        section(draft, "metadata")["finalizers"] = ["records.example.com/archive"]

    universe.cluster.change(DEPLOYMENT, app.namespace, app.name, edit, By("archiver"))
    universe.cluster.delete(DEPLOYMENT, app.namespace, app.name, By("kubectl"))


_UNREADY: JsonObject = {"path": "/healthz", "port": 8099}
_LOST: JsonObject = {"path": "/alive", "port": 8080}
_HASTY: JsonObject = {"initialDelaySeconds": 0, "periodSeconds": 1, "failureThreshold": 1}
_FOREIGN_DNS: JsonObject = {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["203.0.113.53"]}}
_READ_ONLY = _container(securityContext={"readOnlyRootFilesystem": True})

FAULTS: tuple[Fault, ...] = (
    _changed("program-missing", "ledger", _container(command=["ledgerd"]), "command_not_found"),
    _changed("liveness-port", "profile", _probe("livenessProbe", httpGet=_UNREADY), "liveness_probe_wrong"),
    _changed("liveness-path", "browse", _probe("livenessProbe", httpGet=_LOST), "liveness_probe_wrong"),
    _changed("liveness-haste", "intake", _probe("livenessProbe", **_HASTY), "liveness_probe_too_strict"),
    _changed("port-twice", "checkout", _beside, "port_conflict"),
    _changed("first-step-fails", "sender", _before("migrate", "--to=latest"), "init_container_fails"),
    _changed("first-step-stays", "levels", _before("warm"), "init_container_waits", Verdict.APPROVE),
    _changed("one-a-node", "checkout", _apart, "unschedulable_pod_affinity"),
    _changed("claim-unknown", "intake", _mount, "claim_missing"),
    _changed("account-unknown", "invoices", _pod(serviceAccountName="biller"), "service_account_missing"),
    _changed("too-large", "browse", _grow, "limit_range_violated", prepare=_bound),
    _changed(
        "store-port", "ledger", _call("http://ledger-store:9001"), "dependency_address_wrong", prepare=_give_store
    ),
    _changed("store-name", "ledger", _call("http://ledger-stor:9000"), "service_missing", prepare=_give_store),
    _changed("foreign-names", "ledger", _pod(**_FOREIGN_DNS), "pod_dns_wrong", prepare=_give_store),
    _changed("root-read-only", "sender", _READ_ONLY, "filesystem_denied", Verdict.APPROVE, prepare=_needs_disk),
    Fault("built-for-others", "storefront", _foreign, "wrong_architecture", Verdict.ACT),
    Fault("setting-emptied", "indexer", _empty_setting, "configuration_edited", Verdict.APPROVE),
    Fault("offered-as-udp", "basket", _offer_udp, "service_protocol_wrong", Verdict.ACT, kind=SERVICE),
    Fault("level-raised", "profile", _restrict, "pod_security_forbids"),
    Fault("store-service-deleted", "ledger", _lose_store, "service_missing", prepare=_give_store),
    Fault("task-fails", "exporter", _run_once, "job_failed", kind=JOB),
    Fault("kept-by-archiver", "timeline", _hold, "stuck_terminating"),
)


def scaled_down(universe: Universe, app: str) -> None:
    """A control: fewer pods by a person's hand, and no fault."""
    scale(universe.cluster, APPS[app], 1)
