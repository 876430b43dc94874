"""An Ingress sends to a Service or port that is not there, or is of a class that nobody serves."""

from __future__ import annotations

from collections.abc import Iterator

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.provenance import last_applied, last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.things import Thing, backends

# AWS's controller keeps such backends in annotations.
_BY_ANNOTATION = "use-annotation"
_CLASS = "kubernetes.io/ingress.class"
_PORT = ("backend", "service", "port")


def examine(thing: Thing) -> Finding | None:
    """The finding for an Ingress whose class, backend or certificate does not exist."""
    item = thing.object
    if item.kind != "Ingress":
        return None
    wrong = [*_class(thing.scene, item), *_backends(thing.scene, item), *_secrets(thing.scene, item), *_moved(item)]
    if not wrong:
        return None
    before = _before(item)
    scene = thing.scene
    proven = (*_mended(scene, item), *_classed(scene, item))[:1]
    # Without a record, only one Service or class that can be meant is proposed, and a person says whether it is.
    likely = () if proven else (*_named_alike(scene, item), *_only_port(scene, item), *_only_class(scene, item))[:1]
    return Finding(
        target=item.ref,
        summary=f"Ingress {item.name}: {wrong[0].text}.{f' {before[0].text}.' if before else ''}",
        verdict=Verdict.ACT if proven else Verdict.APPROVE if likely else Verdict.ESCALATE,
        supporting=(*wrong[:3], *before),
        remedies=(*proven, *likely, escalate(item.ref)),
    )


def _mended(scene: Scene, item: KubeObject) -> Iterator[ActionCall]:
    """Each path that leads elsewhere than it was last applied, led back there, where that Service exists."""
    applied = {_place(rule, path): path for rule, path in _paths(last_applied(item) or Tree({}))}
    for rule, path in _paths(item):
        former = applied.get(_place(rule, path))
        if former is None or _backend(path) == _backend(former) or not _is_there(scene, item.namespace, former):
            continue
        name, port = _backend(former)
        host, where = _place(rule, path)
        yield call("fix_ingress_backend", item.ref, host=host, path=where, service=name, port=port)


def _named_alike(scene: Scene, item: KubeObject) -> Iterator[ActionCall]:
    """A path to a Service that does not exist, led to the one that has the Ingress's name and that port."""
    if not scene.covers("Service", item.namespace):
        return
    for rule, path in _paths(item):
        name, port = _backend(path)
        host, where = _place(rule, path)
        alike = Tree({"backend": {"service": {"name": item.name, "port": dict(path.tree(*_PORT).raw)}}})
        if name and scene.get("Service", item.namespace, name) is None and _is_there(scene, item.namespace, alike):
            yield call("fix_ingress_backend", item.ref, host=host, path=where, service=item.name, port=port)


def _only_port(scene: Scene, item: KubeObject) -> Iterator[ActionCall]:
    """A path to a port that its Service does not have, led to the only one that it has."""
    for rule, path in _paths(item):
        name, _ = _backend(path)
        service = scene.get("Service", item.namespace, name) if name else None
        ports = service.trees("spec", "ports") if service else []
        if len(ports) != 1 or _is_there(scene, item.namespace, path):
            continue
        host, where = _place(rule, path)
        port = ports[0].text("name") or str(ports[0].integer("port"))
        yield call("fix_ingress_backend", item.ref, host=host, path=where, service=name, port=port)


def _classed(scene: Scene, item: KubeObject) -> Iterator[ActionCall]:
    """The class that was last applied, where the present one does not exist and that one does."""
    applied = last_applied(item)
    former = applied.text("spec", "ingressClassName") if applied else ""
    if _lacks_class(scene, item) and former and scene.get("IngressClass", "", former) is not None:
        yield call("fix_ingress_backend", item.ref, ingress_class=former)


def _only_class(scene: Scene, item: KubeObject) -> Iterator[ActionCall]:
    known = scene.all("IngressClass")
    if _lacks_class(scene, item) and len(known) == 1:
        yield call("fix_ingress_backend", item.ref, ingress_class=known[0].name)


def _lacks_class(scene: Scene, item: KubeObject) -> bool:
    """Whether it names a class that does not exist."""
    name = item.text("spec", "ingressClassName")
    return bool(name) and scene.covers("IngressClass", "", name) and scene.get("IngressClass", "", name) is None


def _paths(item: Tree) -> Iterator[tuple[Tree, Tree]]:
    for rule in item.trees("spec", "rules"):
        for path in rule.trees("http", "paths"):
            yield rule, path


def _place(rule: Tree, path: Tree) -> tuple[str, str]:
    return rule.text("host"), path.text("path") or "/"


def _backend(path: Tree) -> tuple[str, str]:
    service = path.tree("backend", "service")
    return service.text("name"), str(service.at("port", "number") or service.text("port", "name"))


def _is_there(scene: Scene, namespace: str, path: Tree) -> bool:
    name, port = _backend(path)
    service = scene.get("Service", namespace, name) if name else None
    ports = service.trees("spec", "ports") if service else []
    return any(port in (str(entry.integer("port")), entry.text("name")) for entry in ports)


def _class(scene: Scene, item: KubeObject) -> list[Fact]:
    name = item.text("spec", "ingressClassName")
    if not scene.covers("IngressClass", "", name):
        return []
    known = scene.all("IngressClass")
    if name and scene.get("IngressClass", "", name) is None:
        others = ", ".join(entry.name for entry in known[:5]) or "none"
        return [facts.absence(item, "spec.ingressClassName", f"there is no IngressClass {name}; there are {others}")]
    default = any(entry.annotations.get("ingressclass.kubernetes.io/is-default-class") == "true" for entry in known)
    if not name and _CLASS not in item.annotations and known and not default:
        return [facts.absence(item, "spec.ingressClassName", "it names no class, and none is the default")]
    return []


def _backends(scene: Scene, item: KubeObject) -> list[Fact]:
    found = []
    for name, port in dict.fromkeys(backends(item)):
        if port == _BY_ANNOTATION or not scene.covers("Service", item.namespace, name):
            continue
        service = scene.get("Service", item.namespace, name)
        if service is None:
            text = f"it sends to Service {name}, which does not exist"
            found.append(facts.absence(item, f"service/{name}", text))
        elif not any(
            port in (str(entry.integer("port")), entry.text("name")) for entry in service.trees("spec", "ports")
        ):
            text = f"it sends to port {port} of Service {name}, which has no such port"
            found.append(facts.field(service, "spec.ports", text))
    return found


def _secrets(scene: Scene, item: KubeObject) -> list[Fact]:
    if not scene.covers("Secret", item.namespace):
        return []
    names = dict.fromkeys(entry.text("secretName") for entry in item.trees("spec", "tls"))
    return [
        facts.absence(item, f"secret/{name}", f"its certificate should be in Secret {name}, which does not exist")
        for name in names
        if name and scene.get("Secret", item.namespace, name) is None
    ]


def _moved(item: KubeObject) -> list[Fact]:
    """That a path leads to another Service than its owner's manifest says."""
    applied = last_applied(item)
    meant = _routes(applied) if applied else {}
    found = []
    for place, name in _routes(item).items():
        if meant.get(place, name) != name:
            host, path = place
            text = f"{host or 'any host'}{path} is sent to Service {name}; the manifest sends it to {meant[place]}"
            found.append(facts.field(item, "spec.rules", text))
    return found


def _routes(item: Tree) -> dict[tuple[str, str], str]:
    """The Service of each host and path."""
    return {
        (rule.text("host"), path.text("path")): path.text("backend", "service", "name")
        for rule in item.trees("spec", "rules")
        for path in rule.trees("http", "paths")
    }


def _before(item: KubeObject) -> list[Fact]:
    """That what was applied last was otherwise, and who wrote it since."""
    applied, author = last_applied(item), last_writer(item, "spec")
    if applied is None or applied.at("spec") == item.at("spec"):
        return []
    by = f" and was changed {author}" if author else ""
    return [facts.change(item, "metadata.annotations[last-applied]", f"it was applied otherwise{by}")]


CAUSE = Cause(
    id=CauseId("ingress_misrouted"),
    title="An Ingress sends to what is not there, or nobody serves it",
    faults=(84, 85),
    needs=("Ingress", "Service"),
    look_alikes={
        "service_selector_wrong": "the Service is there, and reaches no pod",
        "certificate_rejected": "the certificate is there, and has expired",
    },
    know="A path that is sent to another existing Service looks right here: compare it with what was applied.",
    by_hand=(
        "kubectl -n {namespace} describe ingress {name}",
        "kubectl get ingressclasses",
        "kubectl -n {namespace} get services",
    ),
    thing=examine,
)
