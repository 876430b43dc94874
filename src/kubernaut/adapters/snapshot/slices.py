"""Endpoints, which people still list, as the EndpointSlice that stands for them, each address once."""

from __future__ import annotations

from kubernaut.adapters.snapshot.known import Key, Known
from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree
from kubernaut.resources import ENDPOINT_SLICE

_SERVICE = "kubernetes.io/service-name"


def slice_of(item: KubeObject) -> JsonObject:
    """The slice with the addresses and the ports of the Endpoints."""
    subsets = item.trees("subsets")
    endpoints: list[Json] = [
        _endpoint(address, is_ready=field == "addresses")
        for subset in subsets
        for field in ("addresses", "notReadyAddresses")
        for address in subset.trees(field)
    ]
    ports: list[Json] = [dict(port.raw) for subset in subsets[:1] for port in subset.trees("ports")]
    metadata: JsonObject = {"name": item.name, "namespace": item.namespace, "labels": {_SERVICE: item.name}}
    return {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": ENDPOINT_SLICE.kind,
        "metadata": metadata,
        "endpoints": endpoints,
        "ports": ports,
    }


def _endpoint(address: Tree, *, is_ready: bool) -> JsonObject:
    told: JsonObject = {"addresses": [address.text("ip")], "conditions": {"ready": is_ready}}
    for field in ("nodeName", "targetRef"):
        if address.has(field):
            told[field] = address.at(field)
    return told


def drop_doubles(found: dict[Key, Known]) -> None:
    """Takes away what Endpoints or a Service tell of addresses that an EndpointSlice itself shows."""
    slices = {key: known for key, known in found.items() if known.resource == ENDPOINT_SLICE}
    own = {
        (known.namespace, known.tree.labels.get(_SERVICE))
        for known in slices.values()
        if known.name != known.tree.labels.get(_SERVICE)
    }
    for key, known in slices.items():
        if known.name == known.tree.labels.get(_SERVICE) and (known.namespace, known.name) in own:
            del found[key]
