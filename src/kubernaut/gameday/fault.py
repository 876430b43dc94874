"""What a fault is, and the problems that are made of it: names, kinds and sizes vary, the mistake stays the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from kubernaut.domain.objects import ObjectRef
from kubernaut.gameday.shop import STORE_PORT, App, Images, Shop
from kubernaut.gameday.steps import Step

_NAMES = (
    *("checkout", "storefront", "ledger", "thumbnails", "forecast", "sender", "indexer", "intake", "profile"),
    *("levels", "browse", "basket", "invoices", "tracker", "exporter", "banner", "timeline", "quotes"),
    *("rosters", "receipts", "search", "coupons", "returns", "sessions"),
)
PREFIX = "gameday-"
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


class Policy(StrEnum):
    """What is right to do: act, act once a person consented, hand over to people, or nothing at all."""

    ACT = "act"
    APPROVE = "approve"
    ESCALATE = "escalate"
    DECLINE = "decline"


class Subject(StrEnum):
    """What the alert names."""

    WORKLOAD = "workload"
    SERVICE = "service"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake on one app. `inject` gives the writes; `prepare` what is there before, as part of the healthy system.

    `kinds` are the workloads that it can be made on, `role` the program that shows it, `needs` further images that it
    takes. `tolerates` names parts of a container in which a right remedy may differ from what was intended. With
    `most_nodes`, it shows where there are not more nodes than that, and the app has a replica for each. `rings_after`
    is for alerts that come later than others.
    """

    name: str
    policy: Policy
    inject: Callable[[Shop], Sequence[Step]]
    alert: str = "KubePodNotReady"
    subject: Subject = Subject.WORKLOAD
    control: bool = False
    kinds: tuple[str, ...] = ("Deployment",)
    role: str = "web"
    needs: tuple[str, ...] = ()
    with_store: bool = False
    managed: bool = True
    autonomy: str = "auto"
    tolerates: frozenset[str] = frozenset()
    most_nodes: int = 0
    rings_after: timedelta | None = None
    prepare: Callable[[Shop], Sequence[Step]] = lambda _: ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault on one healthy system."""

    fault: Fault
    variant: int
    shop: Shop

    @property
    def subject(self) -> ObjectRef:
        """The object that an alert names."""
        match self.fault.subject:
            case Subject.SERVICE:
                return self.shop.app.service_ref
            case Subject.STORE:
                return self.shop.needed.ref
            case Subject.WORKLOAD:
                return self.shop.app.ref

    @property
    def declared(self) -> frozenset[ObjectRef]:
        """The objects that a remedy may change: the broken app's, and those of what it depends on."""
        apps = [self.shop.app, *([self.shop.store] if self.shop.store else [])]
        return frozenset(ref for app in apps for ref in (app.ref, app.service_ref, app.settings_ref))

    def in_namespace(self, namespace: str) -> Problem:
        """The same problem elsewhere."""
        shop = self.shop
        moved = Shop(
            replace(shop.app, namespace=namespace),
            replace(shop.store, namespace=namespace) if shop.store else None,
            tuple(replace(app, namespace=namespace) for app in shop.neighbours),
            shop.images,
        )
        return replace(self, shop=moved)


def problems_of(
    faults: Sequence[Fault], images: Images, *, nodes: int, variants: int, seed: int
) -> tuple[list[Problem], list[str]]:
    """All problems that these images and nodes can show, and the names of the faults that they cannot."""
    able = [
        fault
        for fault in faults
        if images.has(fault.role, *fault.needs) and (not fault.most_nodes or nodes <= fault.most_nodes)
    ]
    problems = [_problem(fault, images, variant, seed) for variant in range(1, variants + 1) for fault in able]
    return problems, [fault.name for fault in faults if fault not in able]


def _problem(fault: Fault, images: Images, variant: int, seed: int) -> Problem:
    chance = random.Random(f"{seed}/{fault.name}")  # noqa: S311  # variety, not secrecy
    shuffled = chance.sample(_NAMES, len(_NAMES))
    names = [shuffled[(5 * variant + place) % len(shuffled)] for place in range(5)]
    kind = fault.kinds[(variant - 1) % len(fault.kinds)]
    replicas = fault.most_nodes or (2 if variant == 1 else chance.choice((2, 3)))
    store = None
    upstream = ""
    if fault.with_store:
        store = App("", names[1], images["store"], role="store", replicas=1, port=STORE_PORT)
        upstream = f"http://{store.name}:{STORE_PORT}"
    app = App("", names[0], images[fault.role], fault.role, kind, replicas, upstream=upstream)
    # From the second variant on, healthy apps stand beside: what is broken has to be told from what is not.
    neighbours = tuple(App("", name, images["web"], replicas=1) for name in names[2 : 1 + variant])
    return Problem(fault, variant, Shop(app, store, neighbours, images))


def random_namespace(chance: random.Random) -> str:
    """A name that tells nothing of what is in it."""
    return PREFIX + "".join(chance.choices(_SUFFIX, k=6))
