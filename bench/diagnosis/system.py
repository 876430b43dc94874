"""A healthy system made from a seed, and the ways in which people and programs change it.

Every write goes through the simulated API server under the name of the tool that would make it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.diagnosis.names import Names
from bench.diagnosis.programs import REGISTRY, Program
from kubernaut.adapters.memory.metrics import MemoryMetrics
from kubernaut.domain.measures import Measure
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef
from kubernaut.sandbox.applications import Application, Listener, Misfortune
from kubernaut.sandbox.clock import SteppedClock
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.kinds import BY_NAME, DEPLOYMENT, LEASE, NAMESPACE, POD, SERVICE, Kind
from kubernaut.sandbox.recorder import Happening, Recorder
from kubernaut.sandbox.scenarios.manifests import apply_manifest
from kubernaut.sandbox.shapes import copied, entries, micro_stamp, section
from kubernaut.sandbox.universe import Universe

Edit = Callable[[JsonObject], None]
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEAM, EDITOR = By("kubectl-create"), By("kubectl-edit")
KUBE_SYSTEM = "kube-system"
_APPLIED = 0.6


@dataclass
class System:
    """One cluster: nodes, a team's program under an alert, what it calls, and its neighbours."""

    draw: random.Random
    kind: str = "Deployment"
    clock: SteppedClock = field(default_factory=lambda: SteppedClock(START))
    after: list[Callable[[], None]] = field(default_factory=list)
    metrics: MemoryMetrics | None = None
    outfit: list[Edit] = field(default_factory=list)
    leaders: list[str] = field(default_factory=lambda: ["kube-scheduler", "kube-controller-manager"])

    def __post_init__(self) -> None:
        """Makes the nodes and the programs, and lets them start."""
        self.names = Names(self.draw)
        self.universe = Universe(self.clock, nodes=0, seed=self.draw.randint(0, 2**31))
        self.cluster = self.universe.cluster
        self.nodes = self.names.nodes(self.draw.randint(3, 5))
        for name in self.nodes:
            self.universe.add_node(name)
        self._elect()
        self.namespace, self.other_namespace = self.names.namespace(), self.names.namespace()
        for name in (self.namespace, self.other_namespace):
            self.create("v1", "Namespace", "", {"metadata": {"name": name, "labels": {"team": name}}})
        self.store = self._program("Deployment", self.namespace, self.names.store(), calls="")
        self.neighbours = [
            self._program("Deployment", place, self.names.workload(), calls="")
            for place in (self.namespace, self.other_namespace, self.other_namespace)
        ]
        for program in (self.store, *self.neighbours):
            self.install(program)
        self.wait(1)
        self.target = self._program(self.kind, self.namespace, self.names.workload(), calls=self.store.address)
        self.install(self.target)

    def _program(self, kind: str, namespace: str, name: str, *, calls: str) -> Program:
        draw = self.draw
        return Program(
            kind=kind,
            namespace=namespace,
            name=name,
            tag=self.names.tag(),
            replicas=draw.randint(2, 4),
            port=draw.choice((8080, 3000, 9090, 5000, 8443)),
            memory=draw.choice(("192Mi", "256Mi", "320Mi")),
            label=draw.choice(("app", "app.kubernetes.io/name", "k8s-app")),
            calls=calls,
            ready_path=draw.choice(("/readyz", "/healthz", "/")),
            probed_s=draw.choice((5, 10)) if calls else 20,
        )

    def _elect(self) -> None:
        """The leases by which the scheduler and the controllers say that they are there."""
        for name in self.leaders:
            spec: JsonObject = {"holderIdentity": f"cp-1_{name}", "leaseDurationSeconds": 15}
            spec |= {"renewTime": micro_stamp(self.clock.now())}
            self.cluster.create(LEASE, KUBE_SYSTEM, {"metadata": {"name": name}, "spec": spec}, By(name))

    def renew_leases(self) -> None:
        """The leaders that are alive have renewed their leases a moment ago."""
        now = micro_stamp(self.clock.now())
        for name in self.leaders:
            self.change(LEASE, KUBE_SYSTEM, name, lambda item: section(item, "spec").update(renewTime=now), By(name))

    def wait(self, minutes: float) -> None:
        """Lets that much time pass."""
        self.universe.simulation.run_until(self.clock, self.clock.now() + timedelta(minutes=minutes))

    def install(self, program: Program, application: Application | None = None) -> None:
        """Publishes the program's image and applies its manifests."""
        self.universe.world.publish({program.image: application or program.application()})
        manifests = (program.settings(), program.credentials(), program.workload(), program.service())
        for manifest in manifests:
            apply_manifest(self.cluster, manifest)

    def publish(self, image: str, application: Application) -> str:
        """Makes an image available."""
        self.universe.world.publish({image: application})
        return image

    def image(self, tag: str = "", name: str = "", host: str = REGISTRY) -> str:
        """An image of the target's team that nobody has published so far."""
        return f"{host}/{self.namespace}/{name or self.target.name}:{tag or self.names.tag()}0"

    def apply(self, edit: Edit, program: Program | None = None, *, live: bool = False) -> None:
        """`kubectl apply` of the program's changed manifest, or, as often, `kubectl edit` of the live object."""
        program = program or self.target
        if not live and self.draw.random() < _APPLIED:
            manifest = program.workload()
            for part in self.outfit if program == self.target else ():
                part(manifest)
            edit(manifest)
            apply_manifest(self.cluster, manifest)
            return
        kind = BY_NAME[program.ref.api_version, program.kind]
        tool = By(self.draw.choice(("kubectl-edit", "kubectl-patch", "helm", "deployer")))
        self.change(kind, program.namespace, program.name, edit, tool)

    def dress(self, *parts: Edit) -> None:
        """The team's manifest of the target holds more from now on, and is applied."""
        self.outfit += parts
        manifest = self.target.workload()
        for part in self.outfit:
            part(manifest)
        apply_manifest(self.cluster, manifest)

    def create(self, api_version: str, kind: str, namespace: str, body: JsonObject, by: By = TEAM) -> JsonObject:
        """The object as it was stored."""
        return self.cluster.create(BY_NAME[api_version, kind], namespace, body, by)

    def stop(self, leader: str, *controllers: type) -> None:
        """A program of the control plane ends: its controllers do nothing, and its lease is not renewed."""
        self.renew_leases()
        self.leaders.remove(leader)
        self.universe.simulation.stop(*controllers)

    def measured(self, measure: Measure, *values: float, **labels: str) -> None:
        """One more series that Prometheus has when the alert comes; without one, there is no Prometheus."""
        self.metrics = metrics = self.metrics or MemoryMetrics()
        self.after.append(lambda: metrics.say(measure.name, *values, at=self.clock.now(), **labels))

    def change(self, kind: Kind, namespace: str, name: str, edit: Edit, by: By = EDITOR) -> None:
        """Changes an object in place."""
        self.cluster.change(kind, namespace, name, edit, by)

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        """`kubectl delete`."""
        place = self.namespace if namespace is None else namespace
        self.cluster.delete(BY_NAME[api_version, kind], place, name, By("kubectl"), Deletion())

    def edit_service(self, edit: Edit, program: Program | None = None) -> None:
        """`kubectl edit service`."""
        program = program or self.target
        self.change(SERVICE, program.namespace, program.name, edit)

    def scale(self, replicas: int, program: Program | None = None) -> None:
        """`kubectl scale`."""
        program = program or self.target
        kind = BY_NAME[program.ref.api_version, program.kind]
        by = By("kubectl", "scale")
        self.change(
            kind, program.namespace, program.name, lambda item: section(item, "spec").update(replicas=replicas), by
        )

    def recreate_pods(self, program: Program | None = None) -> None:
        """`kubectl delete pod -l ...`: its controller makes new ones."""
        for pod in self.pods(program):
            self.cluster.delete(POD, pod.namespace, pod.name, By("kubectl"), Deletion())

    def pods(self, program: Program | None = None) -> list[KubeObject]:
        """The pods of a program."""
        program = program or self.target
        found = self.cluster.storage.views(POD, program.namespace)
        return sorted((pod for pod in found if pod.labels.get(program.label) == program.name), key=lambda pod: pod.name)

    def strike(self, exit_code: int, *lines: str, program: Program | None = None, after_s: float = 6) -> None:
        """From now on the program ends so, with these last words; the API shows only that."""
        image = (program or self.target).image
        self.universe.strike(image, Misfortune(self.clock.now(), exit_code=exit_code, after_s=after_s, lines=lines))

    def say(self, component: str, item: KubeObject, happening: Happening) -> None:
        """An event, as that component records it."""
        Recorder(self.cluster, component).record(item, happening, self.clock.now())

    def rewrite(self, kind: Kind, item: KubeObject, edit: Edit) -> None:
        """Writes what the sandbox has no controller for: the status as the real controller leaves it."""
        draft = copied(dict(item.raw))
        edit(draft)
        self.cluster.storage.put(kind, draft)

    def find(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> KubeObject:
        """The object as it is now; it must be there."""
        found = self.cluster.find(BY_NAME[api_version, kind], self.namespace if namespace is None else namespace, name)
        if found is None:
            raise LookupError(f"{kind} {name} is not there")
        return found

    @property
    def workload(self) -> KubeObject:
        """The target as it is now."""
        return self.find(self.target.ref.api_version, self.target.kind, self.target.name)


def container(**fields: Json) -> Edit:
    """Sets fields of the first container of a template."""
    return lambda manifest: first(manifest).update(fields)


def pod_spec(**fields: Json) -> Edit:
    """Sets fields of a template's pod."""
    return lambda manifest: section(manifest, "spec", "template", "spec").update(fields)


def probe(name: str, **fields: Json) -> Edit:
    """Sets fields of a probe of the first container."""
    return lambda manifest: section(first(manifest), name).update(fields)


def first(manifest: JsonObject) -> JsonObject:
    """The first container of a template, to be changed."""
    return entries(manifest, "spec", "template", "spec", "containers")[0]


def ref(api_version: str, kind: str, namespace: str, name: str) -> ObjectRef:
    """The address of an object."""
    return ObjectRef(api_version, kind, namespace, name)


__all__ = ["DEPLOYMENT", "NAMESPACE", "Listener", "System", "container", "first", "pod_spec", "probe", "ref"]
