"""Rows 27 to 35 and 108: claims, volumes and where they can be reached."""

from __future__ import annotations

from bench.diagnosis.cases import Aim, Policy, about, fault
from bench.diagnosis.system import System, pod_spec, ref
from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.sandbox.kinds import BY_NAME
from kubernaut.sandbox.shapes import section

_PENDING = "KubePodNotReady KubeDeploymentReplicasMismatch KubePersistentVolumeErrors"
_DEPLOYMENT = ("Deployment",)
CLAIM = "PersistentVolumeClaim"


def mounting(claim: str) -> JsonObject:
    """A volume of a pod from a claim."""
    return {"name": "records", "persistentVolumeClaim": {"claimName": claim}}


def _claim(
    system: System, name: str, *, storage_class: str | None = None, mode: str = "ReadWriteOnce", **extra: Json
) -> None:
    spec: JsonObject = {"accessModes": [mode], "resources": {"requests": {"storage": extra.pop("size", "5Gi")}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    spec |= extra
    system.create("v1", CLAIM, system.namespace, {"metadata": {"name": name}, "spec": spec})


def _class(system: System) -> str:
    name = system.names.word()
    body: JsonObject = {"metadata": {"name": name}, "provisioner": "csi.example.com", "volumeBindingMode": "Immediate"}
    system.create("storage.k8s.io/v1", "StorageClass", "", body)
    return name


def _volume(
    system: System, *, size: str = "10Gi", mode: str = "ReadWriteOnce", labels: JsonObject | None = None, node: str = ""
) -> str:
    name = system.names.word()
    spec: JsonObject = {
        "capacity": {"storage": size},
        "accessModes": [mode],
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": {"path": f"/srv/{name}"},
    }
    if node:
        here: JsonObject = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}
    metadata: JsonObject = {"name": name, "labels": labels or {}}
    system.create("v1", "PersistentVolume", "", {"metadata": metadata, "spec": spec, "status": {"phase": "Available"}})
    return name


@fault(27, "claim_missing", Policy.ACT, alerts=_PENDING, kinds=("Deployment", "DaemonSet"))
def claim_of_another_name(system: System) -> None:
    kept = system.names.word()
    _claim(system, kept)
    system.apply(pod_spec(volumes=[mounting(kept)]))
    system.wait(4)
    system.apply(pod_spec(volumes=[mounting(f"{kept}-{system.names.one('v2', 'eu', 'main')}")]))


def _waits_for(system: System, claim: str) -> Aim:
    system.apply(pod_spec(volumes=[mounting(claim)]))
    return Aim(about(system.target.ref).labels, (system.target.ref, ref("v1", CLAIM, system.namespace, claim)))


@fault(28, "storage_class_missing", Policy.APPROVE, alerts=_PENDING, kinds=_DEPLOYMENT)
def class_not_there(system: System) -> Aim:
    _class(system)
    claim = system.names.word()
    _claim(system, claim, storage_class=system.names.word())
    return _waits_for(system, claim)


@fault(29, "claim_unbound", Policy.APPROVE, alerts=_PENDING, kinds=_DEPLOYMENT)
def larger_than_any_volume(system: System) -> Aim:
    _volume(system, size="10Gi")
    claim = system.names.word()
    _claim(system, claim, storage_class="", size="50Gi")
    return _waits_for(system, claim)


@fault(30, "claim_unbound", Policy.APPROVE, alerts=_PENDING, kinds=_DEPLOYMENT)
def mode_of_no_volume(system: System) -> Aim:
    _volume(system, mode="ReadWriteOnce")
    claim = system.names.word()
    _claim(system, claim, storage_class="", mode="ReadWriteMany")
    return _waits_for(system, claim)


@fault(31, "claim_unbound", Policy.APPROVE, alerts=_PENDING, kinds=_DEPLOYMENT)
def labels_of_no_volume(system: System) -> Aim:
    _volume(system, labels={"tier": "records"})
    claim = system.names.word()
    _claim(system, claim, storage_class="", selector={"matchLabels": {"tier": system.names.word()}})
    return _waits_for(system, claim)


@fault(32, "claim_unbound", Policy.ESCALATE, alerts=_PENDING, kinds=_DEPLOYMENT)
def volume_belongs_to_another(system: System) -> Aim:
    _volume(system)
    _claim(system, system.names.word(), storage_class="")
    system.wait(2)
    claim = system.names.word()
    _claim(system, claim, storage_class="")
    return _waits_for(system, claim)


@fault(33, "volume_on_other_node", Policy.ACT, alerts=_PENDING, kinds=_DEPLOYMENT)
def volume_on_one_node(system: System) -> None:
    here, there = system.nodes[:2]
    _volume(system, node=here, mode="ReadWriteMany")
    claim = system.names.word()
    _claim(system, claim, storage_class="", mode="ReadWriteMany")
    system.apply(pod_spec(volumes=[mounting(claim)]))
    system.wait(4)
    system.apply(pod_spec(volumes=[mounting(claim)], nodeSelector={"kubernetes.io/hostname": there}))


@fault(34, "volume_in_use", Policy.ACT, alerts=_PENDING, kinds=_DEPLOYMENT, written=True)
def one_claim_for_many(system: System) -> None:
    """The sandbox does not attach volumes: the pod on the second node is left as the attach controller leaves it."""
    claim = system.names.word()
    _claim(system, claim, storage_class=_class(system))
    labels: JsonObject = {"matchLabels": system.target.labels()}
    rule: JsonObject = {"labelSelector": labels, "topologyKey": "kubernetes.io/hostname"}
    apart: JsonObject = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}
    holder: list[str] = []

    def attachable(pod: KubeObject) -> str:
        if not holder:
            holder.extend((pod.uid, pod.name))
        if holder[0] == pod.uid:
            return ""
        return f'Multi-Attach error for volume "pvc-{pod.uid}" Volume is already used by pod(s) {holder[1]}'

    system.scale(1)
    system.wait(2)
    system.universe.world.attach = lambda pod: attachable(pod) if _mounts(pod, claim) else ""

    def edit(manifest: JsonObject) -> None:
        section(manifest, "spec")["strategy"] = {"type": "Recreate"}
        section(manifest, "spec")["replicas"] = 1
        section(manifest, "spec", "template", "spec").update({"volumes": [mounting(claim)], "affinity": apart})

    system.apply(edit)
    system.wait(5)
    system.scale(2)


def _mounts(pod: KubeObject, claim: str) -> bool:
    return any(item.text("persistentVolumeClaim", "claimName") == claim for item in pod.trees("spec", "volumes"))


@fault(35, "claim_unbound", Policy.ESCALATE, alerts=_PENDING, kinds=_DEPLOYMENT, written=True)
def volume_of_a_former_claim(system: System) -> Aim:
    """The volume was released by the claim of a namespace that is gone: its phase is written."""
    name = _volume(system)
    claim = system.names.word()
    item = system.find("v1", "PersistentVolume", name, "")

    def edit(draft: JsonObject) -> None:
        former: JsonObject = {"kind": CLAIM, "namespace": system.namespace, "name": claim, "uid": "0f0c9f4a-former"}
        section(draft, "spec")["claimRef"] = former
        draft["status"] = {"phase": "Released"}

    system.rewrite(BY_NAME["v1", "PersistentVolume"], item, edit)
    _claim(system, claim, storage_class="")
    return _waits_for(system, claim)


@fault(108, "disk_full", Policy.APPROVE, alerts="KubePersistentVolumeFillingUp KubePodCrashLooping", written=True)
def volume_filled_up(system: System) -> None:
    """The program's last words are written: the sandbox's volumes have no size."""
    line = system.names.one(
        'PANIC:  could not write to file "pg_wal/xlogtemp.29": No space left on device',
        "write /var/lib/records/000042.log: no space left on device",
        "java.io.IOException: No space left on device",
    )
    system.strike(1, line)
