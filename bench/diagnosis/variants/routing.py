"""Rows 78 to 87: several ports, names instead of numbers, headless Services, labels that moved, policies elsewhere."""

from __future__ import annotations

from dataclasses import replace

from bench.diagnosis.cases import NOTHING_LEFT, Aim, Policy, about
from bench.diagnosis.system import System, first, ref
from bench.diagnosis.variants.outfits import CRASH, SERVICE, spec_of, symptom, variant
from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.sandbox.applications import Listener
from kubernaut.sandbox.scenarios.manifests import apply_manifest
from kubernaut.sandbox.shapes import entries, section

NETWORKING = "networking.k8s.io/v1"
_SECOND = 9443


def _service(system: System) -> ObjectRef:
    return ref("v1", "Service", system.namespace, system.target.name)


def _two_ports(system: System) -> None:
    """Two ports, which the Service knows by their names."""
    image = system.image()
    known = system.target.application()
    system.publish(image, replace(known, listeners=(*known.listeners, Listener(_SECOND, protocol="grpc"))))

    def edit(manifest: JsonObject) -> None:
        first(manifest)["image"] = image
        first(manifest)["ports"] = [
            {"name": "http", "containerPort": system.target.port}, {"name": "grpc", "containerPort": _SECOND},
        ]  # fmt: skip

    system.dress(edit)
    ports: list[Json] = [
        {"name": "http", "port": 80, "targetPort": "http"},
        {"name": "grpc", "port": 90, "targetPort": "grpc"},
    ]
    manifest = system.target.service()
    section(manifest, "spec")["ports"] = ports
    apply_manifest(system.cluster, manifest)


@variant(78, "service_port_wrong", Policy.ACT, alerts=SERVICE, prepare=_two_ports)
def second_port_closed(system: System) -> Aim:
    """One port of two is sent to a number on which nothing listens; the other one works."""
    system.edit_service(lambda item: entries(item, "spec", "ports")[1].update(targetPort=9444))
    return about(_service(system))


@variant(78, "service_port_wrong", Policy.ACT, alerts=SERVICE, prepare=_two_ports)
def port_renamed_by_the_release(system: System) -> Aim:
    """The container's port gets another name with a release, and the Service asks by the former one."""

    def edit(manifest: JsonObject) -> None:
        first(manifest)["ports"] = [
            {"name": "http", "containerPort": system.target.port}, {"name": "rpc", "containerPort": _SECOND},
        ]  # fmt: skip

    system.apply(edit, live=True)
    return about(_service(system), system.target.ref)


def _headless(system: System) -> None:
    """The Service has no address of its own."""
    system.delete("v1", "Service", system.target.name)
    manifest = system.target.service()
    section(manifest, "spec").update({"clusterIP": "None", "publishNotReadyAddresses": True})
    apply_manifest(system.cluster, manifest)


@variant(79, "service_selector_wrong", Policy.ACT, alerts=SERVICE, prepare=_headless, kinds=("StatefulSet",))
def headless_selects_no_pod(system: System) -> Aim:
    system.edit_service(lambda item: section(item, "spec", "selector").update(role="primary"))
    return about(_service(system))


def _tracked(system: System) -> None:
    """The Service selects by two labels."""
    track: JsonObject = {"track": "stable"}
    system.dress(lambda item: section(item, "spec", "template", "metadata", "labels").update(track))
    manifest = system.target.service()
    section(manifest, "spec", "selector").update(track)
    apply_manifest(system.cluster, manifest)


@variant(79, "service_selector_wrong", Policy.ACT, alerts=SERVICE, prepare=_tracked)
def pods_lose_a_label(system: System) -> Aim:
    """The release drops the label from the pods; the Service is as it was."""

    def edit(manifest: JsonObject) -> None:
        section(manifest, "spec", "template", "metadata", "labels").update(track="main")

    system.apply(edit, live=True)
    return about(_service(system), system.target.ref)


@variant(80, "service_selects_foreign_pods", Policy.ACT, alerts="BlackboxProbeFailed", kinds=("Deployment",))
def selector_left_too_wide(system: System) -> Aim:
    """The Service selects a whole tier: its own pods, and those of a neighbour that listen elsewhere."""
    tier: JsonObject = {"tier": system.names.word()}
    for program in (system.target, system.neighbours[0]):

        def edit(manifest: JsonObject) -> None:
            section(manifest, "spec", "template", "metadata", "labels").update(tier)

        system.apply(edit, program)
    system.wait(3)
    system.edit_service(lambda item: section(item, "spec").update(selector={**tier}))
    return symptom(system, "Service", _service(system))


@variant(81, "service_protocol_wrong", Policy.ACT, alerts=SERVICE, prepare=_two_ports)
def second_port_offered_as_udp(system: System) -> Aim:
    system.edit_service(lambda item: entries(item, "spec", "ports")[1].update(protocol="UDP", targetPort=_SECOND))
    return about(_service(system))


def _front(system: System) -> None:
    body: JsonObject = {"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}}
    system.create(NETWORKING, "IngressClass", "", body)
    apply_manifest(system.cluster, _ingress(system))


def _ingress(system: System, port: str = "http") -> JsonObject:
    paths: list[Json] = [
        {"path": path, "pathType": "Prefix", "backend": {"service": {"name": name, "port": {"name": named}}}}
        for path, name, named in (("/static", system.neighbours[0].name, "http"), ("/", system.target.name, port))
    ]
    metadata: JsonObject = {"name": system.target.name, "namespace": system.namespace}
    rule: JsonObject = {"host": f"{system.target.name}.example.com", "http": {"paths": paths}}
    return {
        "apiVersion": NETWORKING, "kind": "Ingress", "metadata": metadata,
        "spec": {"ingressClassName": "nginx", "rules": [rule]},
    }  # fmt: skip


def _ingress_ref(system: System) -> ObjectRef:
    return ref(NETWORKING, "Ingress", system.namespace, system.target.name)


@variant(84, "ingress_misrouted", Policy.ACT, alerts="BlackboxProbeFailed NginxHighHttp5xxErrorRate", prepare=_front)
def path_to_a_port_of_no_name(system: System) -> Aim:
    """One path of two; the Service is there and has no port of that name."""
    apply_manifest(system.cluster, _ingress(system, port="web"))
    return about(_ingress_ref(system))


@variant(
    82,
    "service_missing ingress_misrouted",
    Policy.ACT,
    alerts="BlackboxProbeFailed",
    prepare=_front,
    verdicts=NOTHING_LEFT,
)
def service_deleted_under_an_ingress_alert(system: System) -> Aim:
    system.delete("v1", "Service", system.target.name)
    return symptom(system, "Ingress", _ingress_ref(system), _service(system), system.target.ref)


@variant(
    61, "readiness_probe_wrong", Policy.ACT, alerts="NginxHighHttp5xxErrorRate", prepare=_front, kinds=("Deployment",)
)
def never_ready_under_an_ingress_alert(system: System) -> Aim:
    """The Ingress and the Service are right; no pod behind them is ready since the release."""

    def edit(manifest: JsonObject) -> None:
        section(manifest, "spec")["strategy"] = {"type": "Recreate"}
        section(first(manifest), "readinessProbe")["httpGet"] = {"path": "/up", "port": system.target.port}

    system.apply(edit)
    return symptom(system, "Ingress")


@variant(87, "network_policy_blocks", Policy.APPROVE, alerts=CRASH, written=True)
def cut_off_where_it_calls(system: System) -> Aim:
    """The policy is about the pods that are called; that calls time out is written: the sandbox has no network."""
    system.wait(8)
    name = system.names.word()
    allowed: JsonObject = {"from": [{"podSelector": {"matchLabels": {"access": system.names.word()}}}]}
    spec: JsonObject = {
        "podSelector": {"matchLabels": system.store.labels()},
        "policyTypes": ["Ingress"],
        "ingress": [allowed],
    }
    system.create(NETWORKING, "NetworkPolicy", system.namespace, {"metadata": {"name": name}, "spec": spec})
    place = system.find("v1", "Service", system.store.name).text("spec", "clusterIP")
    system.strike(
        1,
        f'level=fatal msg="dependency not reached" variable=UPSTREAM_ADDR err="dial tcp {place}:80: i/o timeout"',
        after_s=12,
    )
    return Aim(
        about(system.target.ref).labels, (ref(NETWORKING, "NetworkPolicy", system.namespace, name), system.target.ref)
    )


@variant(90, "pod_dns_wrong", Policy.ACT, alerts=CRASH)
def names_asked_of_the_host(system: System) -> None:
    """The pod asks a resolver of its own for everything, and the search path is gone as well."""
    config: JsonObject = {"nameservers": ["1.1.1.1", "9.9.9.9"], "searches": ["example.com"]}
    system.apply(lambda item: spec_of(item).update(dnsPolicy="None", dnsConfig=config))
