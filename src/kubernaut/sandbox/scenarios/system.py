"""The healthy example system: three nodes and a namespace for each team."""

from __future__ import annotations

from kubernaut.domain.objects import JsonObject
from kubernaut.sandbox.applications import MEBIBYTE, Application, Listener
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import NAMESPACE, RESOURCE_QUOTA
from kubernaut.sandbox.scenarios.manifests import REGISTRY, App, apply_manifest
from kubernaut.sandbox.universe import Universe

MANAGED = "kubernaut.ai/managed"
AUTONOMY = "kubernaut.ai/autonomy"
INTENDED = "kubernaut.ai/intended"
_FLAGS = frozenset({"--listen", "--verbose", "--workers"})
_WORKING_SET: dict[str, int] = {"thumbnails": 150 * MEBIBYTE, "forecast": 120 * MEBIBYTE}

APPS: dict[str, App] = {
    app.name: app
    for app in (
        App("shop", "checkout", "2.4.1", replicas=3),
        App("web", "storefront", "5.0.3"),
        App("pay", "ledger", "1.12.0"),
        App("media", "thumbnails", "3.1.0", memory="256Mi"),
        App("insight", "forecast", "0.9.4", memory="160Mi"),
        App("mail", "sender", "2.2.0"),
        App("search", "indexer", "4.7.1"),
        App("orders", "intake", "1.3.5"),
        App("users", "profile", "6.2.0"),
        App("stock", "levels", "2.0.8"),
        App("catalog", "browse", "3.3.3"),
        App("cart", "basket", "1.0.9"),
        App("billing", "invoices", "2.6.4", replicas=3),
        App("fleet", "tracker", "1.1.1", replicas=3),
        App("reports", "exporter", "0.14.2"),
        App("lab", "prototype", "0.1.7"),
        App("promo", "banner", "1.5.0"),
        App("feed", "timeline", "2.9.2"),
    )
}
UNMANAGED = frozenset({"lab"})
# Tags that were published beside those that run.
_ALSO_PUBLISHED = {"checkout": ("2.4.0", "2.3.9"), "ledger": ("1.12.1",), "prototype": ("0.1.6",)}
_TEAM = By("kubectl-create")


def prepare_system(universe: Universe, *names: str) -> None:
    """Creates the apps of those names, of all where none is given, each in its team's namespace."""
    chosen = [APPS[name] for name in names] or list(APPS.values())
    for app in chosen:
        _publish(universe, app)
        _create_namespace(universe, app.namespace)
        apply_manifest(universe.cluster, app.settings())
        apply_manifest(universe.cluster, app.deployment())
        apply_manifest(universe.cluster, app.service())


def _publish(universe: Universe, app: App) -> None:
    application = Application(
        listeners=(Listener(8080),),
        flags=_FLAGS,
        required_env=("LOG_LEVEL", "UPSTREAM_URL"),
        working_set=_WORKING_SET.get(app.name, 48 * MEBIBYTE),
        greeting=(
            f'level=info msg="starting" app={app.name} version={app.tag}',
            'level=info msg="listening" addr=:8080',
        ),
    )
    tags = (app.tag, *_ALSO_PUBLISHED.get(app.name, ()))
    universe.world.publish({f"{REGISTRY}/{app.namespace}/{app.name}:{tag}": application for tag in tags})


def _create_namespace(universe: Universe, name: str) -> None:
    if universe.cluster.find(NAMESPACE, "", name) is not None:
        return
    labels: JsonObject = {"team": name}
    if name not in UNMANAGED:
        labels |= {MANAGED: "true", AUTONOMY: "auto"}
    universe.cluster.create(NAMESPACE, "", {"metadata": {"name": name, "labels": labels}}, _TEAM)
    if name == "billing":
        spec: JsonObject = {"hard": {"requests.memory": "256Mi", "pods": "20"}}
        quota: JsonObject = {"metadata": {"name": "compute"}, "spec": spec}
        universe.cluster.create(RESOURCE_QUOTA, name, quota, _TEAM)
