"""Rows 78 to 92: Services, Ingresses, policies and names."""

from __future__ import annotations

from bench.diagnosis.cases import NOTHING_LEFT, Aim, Policy, about, fault
from bench.diagnosis.system import KUBE_SYSTEM, TEAM, System, first, pod_spec, ref
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.kinds import BY_NAME, CONFIG_MAP
from kubernaut.sandbox.scenarios.manifests import apply_manifest
from kubernaut.sandbox.shapes import entries, section

_SERVICE = "KubeServiceWithoutEndpoints BlackboxProbeFailed"
_CRASH = "KubePodCrashLooping KubePodNotReady KubeDeploymentReplicasMismatch"
NETWORKING = "networking.k8s.io/v1"


def _service(system: System) -> Aim:
    return about(ref("v1", "Service", system.namespace, system.target.name))


@fault(78, "service_port_wrong", Policy.ACT, alerts=_SERVICE)
def sent_to_a_closed_port(system: System) -> Aim:
    port: Json = system.target.port + 17 if system.draw.random() < 0.6 else "web"
    system.edit_service(lambda item: entries(item, "spec", "ports")[0].update(targetPort=port))
    return _service(system)


@fault(79, "service_selector_wrong", Policy.ACT, alerts=_SERVICE)
def selects_no_pod(system: System) -> Aim:
    extra = system.names.one("tier", "release", "track")
    system.edit_service(lambda item: section(item, "spec", "selector").update({extra: system.names.word()}))
    return _service(system)


@fault(80, "service_selects_foreign_pods", Policy.ACT, alerts="BlackboxProbeFailed", kinds=("Deployment",))
def selects_pods_of_others(system: System) -> Aim:
    route: JsonObject = {"route": system.names.word()}
    for program in (system.target, system.neighbours[0]):

        def edit(manifest: JsonObject) -> None:
            section(manifest, "spec", "template", "metadata", "labels").update(route)

        system.apply(edit, program)
    system.wait(3)

    def select(item: JsonObject) -> None:
        section(item, "spec")["selector"] = {**route}

    system.edit_service(select)
    return _service(system)


@fault(81, "service_protocol_wrong", Policy.ACT, alerts=_SERVICE)
def offered_as_udp(system: System) -> Aim:
    system.edit_service(lambda item: entries(item, "spec", "ports")[0].update(protocol="UDP"))
    return _service(system)


@fault(82, "service_missing", Policy.ACT, alerts=_CRASH, verdicts=NOTHING_LEFT)
def service_deleted(system: System) -> Aim:
    system.delete("v1", "Service", system.store.name)
    system.recreate_pods()
    mine = system.target.ref
    return Aim(about(mine).labels, (mine, ref("v1", "Service", system.namespace, system.store.name)))


def _call(system: System, address: str) -> None:
    def edit(manifest: JsonObject) -> None:
        kept: list[Json] = [item for item in entries(first(manifest), "env") if item.get("name") != "UPSTREAM_ADDR"]
        first(manifest)["env"] = [*kept, {"name": "UPSTREAM_ADDR", "value": address}]

    system.apply(edit)


@fault(83, "dependency_address_wrong", Policy.ACT, alerts=_CRASH)
def calls_another_port(system: System) -> None:
    _call(system, f"http://{system.store.name}:{system.names.one('8082', '9001', '5433')}")


@fault(83, "service_missing dependency_address_wrong", Policy.ACT, alerts=_CRASH)
def calls_another_name(system: System) -> None:
    _call(system, f"http://{system.store.name}-{system.names.one('primary', 'v2', 'ro')}:80")


def _ingress(system: System, *, kind: str, backend: str) -> JsonObject:
    path: JsonObject = {
        "path": "/", "pathType": "Prefix", "backend": {"service": {"name": backend, "port": {"name": "http"}}},
    }  # fmt: skip
    rule: JsonObject = {"host": f"{system.target.name}.example.com", "http": {"paths": [path]}}
    metadata: JsonObject = {"name": system.target.name, "namespace": system.namespace}
    spec: JsonObject = {"ingressClassName": kind, "rules": [rule]}
    return {"apiVersion": NETWORKING, "kind": "Ingress", "metadata": metadata, "spec": spec}


def _front(system: System) -> str:
    """The class that is served, and the Ingress of the target as it was applied."""
    name = system.names.one("nginx", "traefik", "haproxy")
    body: JsonObject = {"metadata": {"name": name}, "spec": {"controller": f"example.com/{name}"}}
    system.create(NETWORKING, "IngressClass", "", body)
    apply_manifest(system.cluster, _ingress(system, kind=name, backend=system.target.name))
    system.wait(5)
    return name


def _front_aim(system: System) -> Aim:
    return about(ref(NETWORKING, "Ingress", system.namespace, system.target.name))


@fault(84, "ingress_misrouted", Policy.ACT, alerts="BlackboxProbeFailed NginxHighHttp4xxErrorRate")
def path_to_no_service(system: System) -> Aim:
    served = _front(system)
    apply_manifest(system.cluster, _ingress(system, kind=served, backend=system.names.workload()))
    return _front_aim(system)


@fault(84, "ingress_misrouted", Policy.ACT, alerts="BlackboxProbeFailed NginxHighHttp4xxErrorRate")
def path_to_another_service(system: System) -> Aim:
    served = _front(system)
    kind = BY_NAME[NETWORKING, "Ingress"]
    spec = _ingress(system, kind=served, backend=system.neighbours[0].name)["spec"]
    system.change(kind, system.namespace, system.target.name, lambda item: item.update(spec=spec))
    return _front_aim(system)


@fault(85, "ingress_misrouted", Policy.ACT, alerts="BlackboxProbeFailed")
def class_that_nobody_serves(system: System) -> Aim:
    _front(system)
    kind = BY_NAME[NETWORKING, "Ingress"]
    other = system.names.word()
    system.change(
        kind, system.namespace, system.target.name, lambda item: section(item, "spec").update(ingressClassName=other)
    )
    return _front_aim(system)


@fault(86, "certificate_rejected", Policy.APPROVE, alerts=_CRASH, written=True)
def certificate_ran_out(system: System) -> None:
    """The caller's log is written: certificates in Secrets are not read, and the sandbox serves none."""
    line = system.names.one(
        'Get "https://id.example.com/keys": tls: failed to verify certificate: x509: certificate has expired or is not '
        "yet valid: current time 2026-03-02T09:12:44Z is after 2026-02-28T23:59:59Z",
        "requests.exceptions.SSLError: certificate verify failed: certificate has expired (_ssl.c:1007)",
        "Error: certificate has expired { code: 'CERT_HAS_EXPIRED' }",
    )
    system.strike(1, line)


@fault(87, "network_policy_blocks", Policy.APPROVE, alerts=_CRASH, written=True)
def calls_cut_off(system: System) -> None:
    """The policy is an object; that calls time out under it is written, since the sandbox has no network."""
    system.wait(8)
    selector: JsonObject = {"matchLabels": system.target.labels()}
    spec: JsonObject = {"podSelector": selector, "policyTypes": ["Ingress", "Egress"]}
    system.create(
        NETWORKING, "NetworkPolicy", system.namespace, {"metadata": {"name": system.names.word()}, "spec": spec}
    )
    system.strike(
        1,
        f'level=fatal msg="dependency not reached" err="dial tcp: lookup {system.store.name}: i/o timeout"',
        after_s=12,
    )


@fault(88, "traffic_kept_on_node", Policy.ACT, alerts="BlackboxProbeFailed", kinds=("Deployment", "StatefulSet"))
def sent_only_on_the_node(system: System) -> Aim:
    system.scale(1)
    system.wait(1)
    system.edit_service(lambda item: section(item, "spec").update(internalTrafficPolicy="Local"))
    return _service(system)


@fault(89, "dns_fails", Policy.APPROVE, alerts=_CRASH, written=True)
def names_answered_wrongly(system: System) -> None:
    """CoreDNS's file is an object; that the name is not found is written, since the sandbox has no DNS."""
    host = f"{system.store.name}.{system.namespace}.svc.cluster.local"
    before = ".:53 {\n    errors\n    kubernetes cluster.local\n    forward . /etc/resolv.conf\n}\n"
    body: JsonObject = {"metadata": {"name": "coredns"}, "data": {"Corefile": before}}
    system.cluster.create(CONFIG_MAP, KUBE_SYSTEM, body, TEAM)
    system.wait(4)
    rule = f"    template ANY ANY {host} {{\n        rcode NXDOMAIN\n    }}\n"
    text = before.replace("    kubernetes", rule + "    kubernetes")
    system.change(CONFIG_MAP, KUBE_SYSTEM, "coredns", lambda item: section(item, "data").update(Corefile=text))
    system.strike(1, f'level=fatal msg="start" err="dial tcp: lookup {host} on 10.96.0.10:53: no such host"', after_s=3)


@fault(90, "pod_dns_wrong", Policy.ACT, alerts=_CRASH)
def names_asked_elsewhere(system: System) -> None:
    server = system.names.one("8.8.8.8", "203.0.113.53")
    system.apply(pod_spec(dnsPolicy="None", dnsConfig={"nameservers": [server]}))


@fault(91, "mesh_denies", Policy.APPROVE, alerts=_CRASH, written=True)
def mesh_refuses(system: System) -> None:
    """The program's log is written: the sandbox has no mesh."""
    line = system.names.one(
        'level=fatal msg="warm-up call" status=403 body="RBAC: access denied"',
        "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    )
    system.strike(1, line)


@fault(92, "sandbox_not_made", Policy.ESCALATE, alerts="KubePodNotReady KubeContainerWaiting", written=True)
def no_address_left(system: System) -> None:
    """The sandbox gives every pod an address: what the network plug-in says is written."""
    text = (
        'plugin type="calico" failed (add): failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 '
        "addresses; No more free affine blocks and strict affinity enabled"
    )
    system.universe.world.connect = lambda pod: (
        "Failed to create pod sandbox: rpc error: code = Unknown desc = "
        f'failed to setup network for sandbox "{pod.uid}": {text}'
        if pod.namespace == system.namespace
        else ""
    )
    system.recreate_pods()
