"""One fault, one fingerprint."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from kubernaut.domain.objects import ObjectRef
from kubernaut.triage.fingerprints import family_of, fingerprint

NAMES = st.text(min_size=1, max_size=20)
REFS = st.builds(ObjectRef, st.sampled_from(["v1", "apps/v1"]), NAMES, NAMES, NAMES)
TRIPLES = st.tuples(NAMES, REFS, NAMES)


@given(TRIPLES, TRIPLES)
def test_two_different_triples_never_share_a_fingerprint(
    one: tuple[str, ObjectRef, str], other: tuple[str, ObjectRef, str]
) -> None:
    assume(one != other)
    assume(
        (one[0], one[1].kind, one[1].namespace, one[1].name, one[2])
        != (other[0], other[1].kind, other[1].namespace, other[1].name, other[2])
    )
    assert fingerprint(*one) != fingerprint(*other)


@given(TRIPLES)
def test_a_newer_api_version_of_the_same_object_is_the_same_incident(triple: tuple[str, ObjectRef, str]) -> None:
    cluster, ref, family = triple
    old = ObjectRef("apps/v1beta2", ref.kind, ref.namespace, ref.name)
    new = ObjectRef("apps/v1", ref.kind, ref.namespace, ref.name)
    assert fingerprint(cluster, old, family) == fingerprint(cluster, new, family)


@given(st.sampled_from(["KubePodCrashLooping", "KubePodNotReady", "KubeDeploymentReplicasMismatch", "SomethingElse"]))
def test_the_alerts_that_one_broken_workload_fires_are_one_family(alert: str) -> None:
    workload = ObjectRef("apps/v1", "Deployment", "shop", "cart")
    assert family_of(alert, workload) == "availability"


def test_saturation_and_storage_of_the_same_workload_are_families_of_their_own() -> None:
    workload = ObjectRef("apps/v1", "StatefulSet", "pay", "ledger")
    families = {
        family_of(name, workload) for name in ("CPUThrottlingHigh", "KubePersistentVolumeFillingUp", "KubePodNotReady")
    }
    assert len(families) == 3
