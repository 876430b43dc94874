"""All faults of a gameday, with what is right to do by the fault catalogue's judgement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from kubernaut.domain.errors import UnknownName
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.gameday import mistakes as by
from kubernaut.gameday.controls import CONTROLS
from kubernaut.gameday.fault import Fault, Policy, Subject
from kubernaut.gameday.shop import PORT, STORE_PORT, Shop
from kubernaut.gameday.steps import Delete, DeletePods, Scale, Step, container_of, section

_ACT, _APPROVE, _ESCALATE = Policy.ACT, Policy.APPROVE, Policy.ESCALATE
_ANY = ("Deployment", "Deployment", "StatefulSet")
_DEPLOYED = ("Deployment",)


def _nowhere(fields: JsonObject) -> JsonObject:
    terms: list[Json] = [{"matchExpressions": [fields]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def _lost_service(shop: Shop) -> list[Step]:
    return [Delete(shop.needed.service_ref), DeletePods(shop.namespace, shop.app.name)]


def _idle_store(shop: Shop) -> list[Step]:
    return [Scale(shop.needed.ref, 0), DeletePods(shop.namespace, shop.app.name)]


def _calls(host: str, port: int = STORE_PORT) -> by.Steps:
    """The address of what it depends on, misspelt or with a wrong port."""
    return by.released_with(lambda shop: by.variable("UPSTREAM_URL", value=f"http://{host or shop.needed.name}:{port}"))


def _from_key(kind: str, name: str, key: str) -> JsonObject:
    return {kind: {"name": name, "key": key}}


_UNREADY: JsonObject = {"path": "/readyz", "port": 8099}
_LOST: JsonObject = {"path": "/alive", "port": PORT}
_UNKNOWN_DISK: JsonObject = {"key": "disktype", "operator": "In", "values": ["nvme"]}
_FOREIGN_DNS: JsonObject = {"nameservers": ["203.0.113.53"]}
_MISSING_KEY: list[Json] = [{"key": "rules.yaml", "path": "rules.yaml"}]

FAULTS: tuple[Fault, ...] = (
    Fault("image-tag-missing", _ACT, by.tag("0.0.0-none"), kinds=_ANY),
    Fault(
        "image-host-unknown", _ACT, by.released(by.container(image="registry.invalid.example/web:1.0.0")), kinds=_ANY
    ),
    Fault(
        "image-private",
        _APPROVE,
        by.released_with(lambda shop: by.container(image=shop.images["private"])),
        needs=("private",),
    ),
    Fault(
        "image-for-another-processor",
        _ACT,
        by.released_with(lambda shop: by.container(image=shop.images["foreign"])),
        needs=("foreign",),
    ),
    Fault("flag-unknown", _ACT, by.released(by.argument("--batch-window=5s")), "KubePodCrashLooping", kinds=_ANY),
    Fault("program-missing", _ACT, by.released(by.container(command=["shopd"])), "KubePodCrashLooping", kinds=_ANY),
    Fault("variable-left-out", _ACT, by.released(by.without_variable("LOG_LEVEL")), "KubePodCrashLooping", kinds=_ANY),
    Fault(
        "configmap-never-made",
        _ACT,
        by.released(by.container(envFrom=[{"configMapRef": {"name": "limits"}}])),
        kinds=_ANY,
    ),
    Fault("secret-never-made", _ACT, by.released(by.container(envFrom=[{"secretRef": {"name": "token"}}])), kinds=_ANY),
    Fault(
        "configmap-key-unknown",
        _ACT,
        by.released_with(
            lambda shop: by.variable(
                "LOG_LEVEL", valueFrom=_from_key("configMapKeyRef", shop.app.settings_ref.name, "LOGLEVEL")
            )
        ),
        kinds=_ANY,
    ),
    Fault("configmap-volume-missing", _ACT, by.released(by.volume("/etc/rules", configMap={"name": "rules"}))),
    Fault(
        "configmap-volume-key-missing",
        _ACT,
        by.released_with(
            lambda shop: by.volume(
                "/etc/rules", configMap={"name": shop.app.settings_ref.name, "items": [*_MISSING_KEY]}
            )
        ),
    ),
    Fault("secret-volume-missing", _ACT, by.released(by.volume("/etc/keys", secret={"secretName": "signing-key"}))),
    Fault("claim-unknown", _ACT, by.released(by.volume("/data", persistentVolumeClaim={"claimName": "order-records"}))),
    Fault(
        "account-unknown",
        _ACT,
        by.released(by.pod(serviceAccountName="biller")),
        "KubeDeploymentReplicasMismatch",
        kinds=_ANY,
    ),
    Fault(
        "memory-limit-lowered",
        _ACT,
        by.released(by.asks_for("limits", memory="96Mi")),
        "KubernetesContainerOomKiller",
        role="hungry",
        kinds=_ANY,
        tolerates=frozenset({"resources"}),
    ),
    Fault("cpu-for-no-node", _ACT, by.released(by.asks_for("requests", cpu="200")), kinds=_ANY),
    Fault(
        "memory-for-no-node",
        _ACT,
        by.released(lambda draft: section(container_of(draft)).update(resources={"requests": {"memory": "4000Gi"}})),
    ),
    Fault("node-selector-nowhere", _ACT, by.released(by.pod(nodeSelector={"disktype": "nvme"})), kinds=_ANY),
    Fault("node-affinity-nowhere", _ACT, by.released(by.pod(affinity=_nowhere(_UNKNOWN_DISK)))),
    Fault("pods-kept-apart", _ACT, by.released_with(lambda shop: by.apart_from(shop.app)), most_nodes=3),
    Fault(
        "readiness-port-moved",
        _ACT,
        by.released(by.probe("readinessProbe", httpGet=_UNREADY)),
        kinds=_ANY,
    ),
    Fault("readiness-path-moved", _ACT, by.released(by.probe("readinessProbe", httpGet=_LOST)), kinds=_DEPLOYED),
    Fault(
        "liveness-port-moved",
        _ACT,
        by.released(by.probe("livenessProbe", httpGet=_UNREADY)),
        "KubePodCrashLooping",
        kinds=_ANY,
    ),
    Fault(
        "liveness-path-moved",
        _ACT,
        by.released(by.probe("livenessProbe", httpGet=_LOST)),
        "KubePodCrashLooping",
    ),
    Fault(
        "liveness-in-haste",
        _ACT,
        by.released(by.probe("livenessProbe", initialDelaySeconds=0, periodSeconds=1, failureThreshold=1)),
        "KubePodCrashLooping",
    ),
    Fault(
        "startup-probe-wrong",
        _ACT,
        by.released(by.container(startupProbe={"httpGet": _LOST, "periodSeconds": 2, "failureThreshold": 3})),
        "KubePodCrashLooping",
    ),
    Fault("port-twice", _ACT, by.released(by.second_container()), "KubePodCrashLooping"),
    Fault("second-image-missing", _ACT, by.released(by.second_container(image="registry.invalid.example/mirror:1"))),
    Fault("first-step-fails", _ACT, by.released(by.first_step("--to=latest")), "KubePodNotReady", kinds=_ANY),
    Fault(
        "first-step-image-missing",
        _ACT,
        by.released(by.first_step("--workers=1", image="registry.invalid.example/m:1")),
    ),
    Fault("first-step-stays", _APPROVE, by.released(by.first_step("--listen=:8081"))),
    Fault(
        "root-read-only",
        _APPROVE,
        by.released(by.container(securityContext={"readOnlyRootFilesystem": True})),
        "KubePodCrashLooping",
        role="writer",
    ),
    Fault(
        "scaled-to-zero",
        _ACT,
        lambda shop: [Scale(shop.app.ref, 0)],
        "KubeDeploymentReplicasZero",
    ),
    Fault(
        "service-selector-changed",
        _ACT,
        by.service(lambda draft: section(draft, "spec", "selector").update(tier="backend")),
        "KubeServiceWithoutEndpoints",
        Subject.SERVICE,
        kinds=_ANY,
    ),
    Fault(
        "service-selector-misspelt",
        _ACT,
        by.service(lambda draft: section(draft, "spec", "selector").update(app="web-shop")),
        "KubeServiceWithoutEndpoints",
        Subject.SERVICE,
    ),
    Fault(
        "service-target-moved",
        _ACT,
        by.service_port(targetPort=8090),
        "BlackboxProbeFailed",
        Subject.SERVICE,
        kinds=_ANY,
    ),
    Fault(
        "service-target-misnamed",
        _ACT,
        by.service_port(targetPort="htttp"),
        "KubeServiceWithoutEndpoints",
        Subject.SERVICE,
    ),
    Fault("service-offered-as-udp", _ACT, by.service_port(protocol="UDP"), "BlackboxProbeFailed", Subject.SERVICE),
    Fault(
        "dependency-name-wrong",
        _ACT,
        _calls("stores"),
        "KubePodCrashLooping",
        role="caller",
        needs=("store",),
        with_store=True,
    ),
    Fault(
        "dependency-port-wrong",
        _ACT,
        _calls("", 9001),
        "KubePodCrashLooping",
        role="caller",
        needs=("store",),
        with_store=True,
    ),
    Fault(
        "names-asked-elsewhere",
        _ACT,
        by.released(by.pod(dnsPolicy="None", dnsConfig=_FOREIGN_DNS)),
        "KubePodCrashLooping",
        role="caller",
        needs=("store",),
        with_store=True,
    ),
    Fault(
        "dependency-scaled-to-zero",
        _ACT,
        _idle_store,
        "KubePodCrashLooping",
        role="caller",
        needs=("store",),
        with_store=True,
    ),
    Fault(
        "dependency-service-deleted",
        _ESCALATE,
        _lost_service,
        "KubePodCrashLooping",
        role="caller",
        needs=("store",),
        with_store=True,
    ),
    Fault("settings-key-removed", _ACT, by.settings(lambda content: content.pop("UPSTREAM_URL")), kinds=_ANY),
    Fault(
        "settings-value-emptied",
        _ESCALATE,
        by.settings(lambda content: content.update(UPSTREAM_URL="")),
        "KubePodCrashLooping",
        kinds=_ANY,
    ),
    Fault("settings-deleted", _ESCALATE, by.settings_lost, kinds=_ANY),
    Fault("pods-over-quota", _ESCALATE, by.quota(pods="1"), "KubeDeploymentReplicasMismatch"),
    Fault(
        "quota-wants-declarations",
        _ESCALATE,
        by.quota(**{"limits.cpu": "8"}),
        "KubeDeploymentReplicasMismatch",
    ),
    Fault(
        "over-limit-range",
        _ACT,
        by.released(by.asks_for("limits", memory="1Gi")),
        "KubeDeploymentReplicasMismatch",
        prepare=by.limit_range(max={"memory": "512Mi"}),
    ),
    Fault(
        "security-level-raised",
        _ESCALATE,
        by.labelled(**{"pod-security.kubernetes.io/enforce": "restricted"}),
        "KubeDeploymentReplicasMismatch",
        kinds=_ANY,
    ),
    Fault("task-fails", _ESCALATE, by.job, "KubeJobFailed"),
    # Its pods serve on for as long as the finalizer holds: nobody notices in the first minutes.
    Fault(
        "held-by-finalizer",
        _ESCALATE,
        by.held,
        "KubeDeploymentReplicasMismatch",
        rings_after=timedelta(minutes=11),
    ),
)


def chosen(names: Sequence[str]) -> list[Fault]:
    """The faults and controls of those names, all of them where none is given; raises `UnknownName`."""
    everything = {fault.name: fault for fault in (*FAULTS, *CONTROLS)}
    for name in names:
        if name not in everything:
            raise UnknownName(f"there is no fault {name!r}", help=f"one of: {', '.join(everything)}")
    return [everything[name] for name in names] or list(everything.values())
