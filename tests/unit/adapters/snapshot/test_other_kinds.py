# ruff: noqa: E501  # tables are as wide as kubectl prints them
"""Volumes, classes, quotas, limits, policies and endpoints, as tables and descriptions show them."""

from __future__ import annotations

from pathlib import Path

from tests.unit.adapters.snapshot.saved import found, pasted


def test_descriptions_of_storage_are_read(tmp_path: Path) -> None:
    text = (
        "$ kubectl describe pv disk-1\nName:            disk-1\nLabels:          <none>\nStorageClass:    slow\nStatus:          Released\n"
        "Claim:           shop/data\nReclaim Policy:  Retain\nAccess Modes:    RWO,ROX\nVolumeMode:      Filesystem\nCapacity:        8Gi\n"
        "Node Affinity:   \n  Required Terms:  \n    Term 0:        kubernetes.io/hostname in [n1]\n"
        "$ kubectl describe sc slow\nName:            slow\nIsDefaultClass:  Yes\nProvisioner:           kubernetes.io/no-provisioner\n"
        "ReclaimPolicy:         Retain\nVolumeBindingMode:     WaitForFirstConsumer\n"
        "$ kubectl describe pvc data -n shop\nName:          data\nNamespace:     shop\nStorageClass:  slow\nStatus:        Pending\nVolume:        \n"
        "Labels:        <none>\nAccess Modes:  RWX\n"
    )
    snapshot = pasted(tmp_path, text)
    volume = found(snapshot, "PersistentVolume", "", "disk-1")
    assert volume.texts("spec", "accessModes") == ["ReadWriteOnce", "ReadOnlyMany"]
    assert (volume.text("spec", "claimRef", "name"), volume.text("status", "phase")) == ("data", "Released")
    (term,) = volume.trees("spec", "nodeAffinity", "required", "nodeSelectorTerms")
    assert term.trees("matchExpressions")[0].texts("values") == ["n1"]
    kept = found(snapshot, "StorageClass", "", "slow")
    assert kept.text("provisioner") == "kubernetes.io/no-provisioner"
    assert kept.annotations == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert found(snapshot, "PersistentVolumeClaim", "shop", "data").texts("spec", "accessModes") == ["ReadWriteMany"]


def test_tables_of_storage_and_bounds_are_read(tmp_path: Path) -> None:
    text = (
        "$ kubectl get sc\nNAME             PROVISIONER       RECLAIMPOLICY   VOLUMEBINDINGMODE   ALLOWVOLUMEEXPANSION   AGE\n"
        "fast (default)   csi.example.com   Delete          Immediate           true                   9d\n"
        "$ kubectl get pv\nNAME     CAPACITY   ACCESS MODES   RECLAIM POLICY   STATUS      CLAIM       STORAGECLASS   VOLUMEATTRIBUTESCLASS   REASON   AGE\n"
        "disk-1   8Gi        RWO            Retain           Available               fast           <unset>                          9d\n"
        "$ kubectl get quota -n shop\nNAME   REQUEST                              LIMIT                   AGE\n"
        "team   pods: 3/10, requests.cpu: 900m/1   limits.memory: 1Gi/2Gi   9d\n"
        "$ kubectl get pdb -n shop\nNAME   MIN AVAILABLE   MAX UNAVAILABLE   ALLOWED DISRUPTIONS   AGE\nweb    2               N/A               0                     9d\n"
    )
    snapshot = pasted(tmp_path, text)
    assert found(snapshot, "StorageClass", "", "fast").text("provisioner") == "csi.example.com"
    assert snapshot.covers("StorageClass", "")
    assert found(snapshot, "PersistentVolume", "", "disk-1").text("spec", "capacity", "storage") == "8Gi"
    quota = found(snapshot, "ResourceQuota", "shop", "team")
    assert (quota.at("status", "used", "requests.cpu"), quota.at("status", "hard", "limits.memory")) == ("900m", "2Gi")
    budget = found(snapshot, "PodDisruptionBudget", "shop", "web")
    assert (budget.at("spec", "minAvailable"), budget.at("status", "disruptionsAllowed")) == (2, 0)


def test_limits_and_policies_that_isolate_are_read_and_a_policy_with_exceptions_is_not_guessed(tmp_path: Path) -> None:
    text = (
        "$ kubectl describe limits -n shop\nName:       bounds\nNamespace:  shop\n"
        "Type        Resource  Min   Max    Default Request  Default Limit  Max Limit/Request Ratio\n"
        "----        --------  ---   ---    ---------------  -------------  -----------------------\n"
        "Container   memory    16Mi  512Mi  64Mi             128Mi          -\n"
        "$ kubectl describe netpol -n shop\nName:         closed\nNamespace:    shop\nCreated on:   2026-03-02 10:00:00 +0000 UTC\nLabels:       <none>\n"
        "Annotations:  <none>\nSpec:\n  PodSelector:     app=web\n  Allowing ingress traffic:\n"
        "    <none> (Selected pods are isolated for ingress connectivity)\n  Not affecting egress traffic\n  Policy Types: Ingress\n\n\n"
        "Name:         ajar\nNamespace:    shop\nCreated on:   2026-03-02 10:00:00 +0000 UTC\nLabels:       <none>\nAnnotations:  <none>\nSpec:\n"
        "  PodSelector:     app=db\n  Allowing ingress traffic:\n    To Port: 80/TCP\n    From:\n      PodSelector: app=web\n"
        "  Not affecting egress traffic\n  Policy Types: Ingress\n"
    )
    snapshot = pasted(tmp_path, text)
    (limit,) = found(snapshot, "LimitRange", "shop", "bounds").trees("spec", "limits")
    assert (limit.at("max", "memory"), limit.at("default", "memory")) == ("512Mi", "128Mi")
    policy = found(snapshot, "NetworkPolicy", "shop", "closed")
    assert (policy.at("spec", "ingress"), policy.mapping("spec", "podSelector", "matchLabels")) == ([], {"app": "web"})
    assert not [ref for ref in snapshot.objects if ref.name == "ajar"]
    assert not snapshot.covers("NetworkPolicy", "shop")


def test_endpoints_tell_which_addresses_take_traffic(tmp_path: Path) -> None:
    text = (
        "$ kubectl describe ep web -n shop\nName:         web\nNamespace:    shop\nLabels:       <none>\nSubsets:\n"
        "  Addresses:          10.0.0.1\n  NotReadyAddresses:  10.0.0.2,10.0.0.3\n  Ports:\n    Name  Port  Protocol\n    ----  ----  --------\n    http  8080  TCP\n"
    )
    part = found(pasted(tmp_path, text), "EndpointSlice", "shop", "web")
    assert [endpoint.at("conditions", "ready") for endpoint in part.trees("endpoints")] == [True, False, False]
    assert part.labels == {"kubernetes.io/service-name": "web"}


def test_addresses_that_endpoints_and_their_slice_both_show_count_once(tmp_path: Path) -> None:
    text = (
        "$ kubectl get ep web -n shop -o yaml\napiVersion: v1\nkind: Endpoints\nmetadata:\n  name: web\n  namespace: shop\n"
        "subsets:\n- addresses:\n  - ip: 10.0.0.1\n    nodeName: n1\n  ports:\n  - port: 8080\n"
    )
    part = found(pasted(tmp_path, text), "EndpointSlice", "shop", "web")
    assert part.trees("endpoints")[0].text("nodeName") == "n1"
    text += (
        "$ kubectl get endpointslice web-x2k4q -n shop -o yaml\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n"
        "  name: web-x2k4q\n  namespace: shop\n  labels:\n    kubernetes.io/service-name: web\nendpoints:\n- addresses: [10.0.0.1]\n"
    )
    names = [ref.name for ref in pasted(tmp_path, text).objects if ref.kind == "EndpointSlice"]
    assert names == ["web-x2k4q"]
