"""Client certificates of the cluster run out soon."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.measures import CERTIFICATES_LEFT
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.things import Thing, is_platform

# The threshold of KubeClientCertificateExpiration (warning) in kubernetes-mixin.
_LEFT = timedelta(days=7)


def examine(thing: Thing) -> Finding | None:
    """The finding when one client in a hundred shows the API server a certificate with less than a week left."""
    if not is_platform(thing):
        return None
    asked = CERTIFICATES_LEFT.of()
    told = thing.scene.measured(asked)
    if not told:
        return None
    left = timedelta(seconds=max(min(series.value for series in told), 0.0))
    if left >= _LEFT:
        return None
    return Finding(
        target=thing.object.ref,
        summary=f"A client certificate that the API server sees runs out within {spell(left)}.",
        verdict=Verdict.ESCALATE,
        supporting=(facts.measured(thing.object, asked, f"{spell(left)} left"),),
        remedies=(escalate(thing.object.ref),),
    )


CAUSE = Cause(
    id=CauseId("certificates_expire"),
    title="Client certificates run out soon",
    faults=(112,),
    needs=("Namespace",),
    look_alikes={"certificate_rejected": "a workload's own certificate is refused already"},
    know="The tool that made them renews them (kubeadm, the kubelet's rotation, cert-manager); nothing else should.",
    by_hand=("kubectl get certificatesigningrequests", "kubeadm certs check-expiration"),
    thing=examine,
)
