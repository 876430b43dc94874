"""What the API server adds to, and refuses of, new objects."""

from __future__ import annotations

from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree
from kubernaut.sandbox.bounds import check_bounds
from kubernaut.sandbox.failures import forbidden, not_found
from kubernaut.sandbox.kinds import CLAIM, NAMESPACE, POD, SERVICE, SERVICE_ACCOUNT, Kind
from kubernaut.sandbox.quota import check_quota
from kubernaut.sandbox.shapes import copied, entries, section
from kubernaut.sandbox.storage import Storage
from kubernaut.sandbox.webhooks import Webhooks

TOLERATION_SECONDS = 300
# Held until no pod uses the claim any more.
PROTECTED_CLAIM = "kubernetes.io/pvc-protection"
_SERVICE_NETWORK = "10.96"
# These write their status with the object; all others only through /status.
_OWN_STATUS = frozenset({"Node", "PersistentVolume"})


class Admission:
    """The admission chain for creates."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.webhooks = Webhooks(storage)
        self._addresses = 10

    def admit(self, kind: Kind, item: JsonObject) -> None:
        """Completes the object in place; raises the failure of the first plug-in that refuses it."""
        tree = KubeObject(item)
        if kind.namespaced:
            self._check_namespace(kind, tree)
        if "status" in kind.subresources and kind.name not in _OWN_STATUS and kind is not NAMESPACE:
            item.pop("status", None)
        if kind is POD:
            self._complete_pod(item)
        elif kind is SERVICE:
            self._give_address(section(item, "spec"))
        elif kind is CLAIM:
            section(item, "metadata")["finalizers"] = [*tree.texts("metadata", "finalizers"), PROTECTED_CLAIM]
        elif kind is NAMESPACE:
            section(item, "metadata", "labels")["kubernetes.io/metadata.name"] = tree.name
            item["status"] = {"phase": "Active"}
        self.webhooks.admit(kind, item)
        if kind is POD:
            check_bounds(self._storage, KubeObject(item))
        check_quota(self._storage, kind, item)

    def _check_namespace(self, kind: Kind, tree: KubeObject) -> None:
        found = self._storage.get(NAMESPACE, "", tree.namespace)
        if found is None:
            raise not_found(NAMESPACE, tree.namespace)
        if found.view.has("metadata", "deletionTimestamp"):
            why = f"unable to create new content in namespace {tree.namespace} because it is being terminated"
            raise forbidden(kind, tree.name, why)

    def _complete_pod(self, item: JsonObject) -> None:
        tree, spec = KubeObject(item), section(item, "spec")
        account = tree.text("spec", "serviceAccountName") or tree.text("spec", "serviceAccount") or "default"
        known = self._storage.get(SERVICE_ACCOUNT, tree.namespace, account)
        if known is None:
            why = f'error looking up service account {tree.namespace}/{account}: serviceaccount "{account}" not found'
            raise forbidden(POD, tree.name, why)
        spec["serviceAccountName"] = spec["serviceAccount"] = account
        if not spec.get("imagePullSecrets") and known.view.has("imagePullSecrets"):
            spec["imagePullSecrets"] = copied(dict(known.view.raw))["imagePullSecrets"]
        spec.setdefault("enableServiceLinks", True)
        spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
        spec.setdefault("priority", 0)
        _tolerate_brief_outages(spec)
        item["status"] = {"phase": "Pending", "qosClass": quality_of(tree)}

    def _give_address(self, spec: JsonObject) -> None:
        if spec.get("type") == "ExternalName":
            return
        if not spec.get("clusterIP"):
            self._addresses += 1
            spec["clusterIP"] = f"{_SERVICE_NETWORK}.{self._addresses // 250}.{self._addresses % 250 + 1}"
        address: Json = spec["clusterIP"]
        spec["clusterIPs"] = [address]


def _tolerate_brief_outages(spec: JsonObject) -> None:
    tolerations = entries(spec, "tolerations")
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(item.get("key") in (key, None) and item.get("operator") == "Exists" for item in tolerations):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS}
            )
    listed: list[Json] = [*tolerations]
    spec["tolerations"] = listed


def quality_of(pod: Tree) -> str:
    """The QoS class: Guaranteed, Burstable or BestEffort."""
    requests = [c.tree("resources", "requests").raw for c in pod.trees("spec", "containers")]
    limits = [c.tree("resources", "limits").raw for c in pod.trees("spec", "containers")]
    if not any(requests) and not any(limits):
        return "BestEffort"
    full = all({"cpu", "memory"} <= limit.keys() for limit in limits)
    return "Guaranteed" if full and requests == limits else "Burstable"
