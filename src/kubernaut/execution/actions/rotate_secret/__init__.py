"""Has the owner of a Secret renew it, and restarts those who read it at their start."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.changes import ObjectPatch
from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Moved, Refused
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef
from kubernaut.execution.actions.restart_workload import RESTARTED_AT
from kubernaut.execution.catalogue import Action, NoParameters, Part, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.secret_references import references_of
from kubernaut.execution.targets import find, workload_rules
from kubernaut.resources import DAEMON_SET, DEPLOYMENT, STATEFUL_SET

_CERTIFICATE = "cert-manager.io/certificate-name"
_SYNC = "force-sync"
_PATIENCE = timedelta(minutes=3)


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """The owner is asked to renew it; once the Secret has changed, its users restart. No value is made or read here."""
    secret = await find(on)
    if isinstance(secret, Refused):
        return secret
    owner = await _owner(on, secret)
    if owner is None:
        text = f"{secret.ref} belongs to no External Secret and no cert-manager Certificate: nothing can renew it"
        return Refused("unsupported", text)
    # Users restarted before the Secret has changed would read the old value once more.
    renewed = Moved(secret.ref, secret.resource_version)
    moment = on.now.isoformat(timespec="seconds").replace("+00:00", "Z")
    users = await _users(on, secret)
    parts = tuple(
        Part(
            user,
            edit(user, setting(user, moment, "spec", "template", "metadata", "annotations", RESTARTED_AT)),
            renewed,
        )
        for user in users
    )
    reach = f"1 Secret, renewed by {owner.ref}; {len(users)} workloads restart afterwards"
    return Prepared(owner, _trigger(owner, moment), reach, parts, patience=_PATIENCE, together=False)


async def _owner(on: Situation[NoParameters], secret: KubeObject) -> KubeObject | None:
    ref = secret.controller
    if ref is not None and ref.kind == "ExternalSecret":
        return await on.reader.get(ref)
    name = secret.annotations.get(_CERTIFICATE)
    return await on.reader.get(ObjectRef("cert-manager.io/v1", "Certificate", secret.namespace, name)) if name else None


def _trigger(owner: KubeObject, moment: str) -> ObjectPatch:
    if owner.kind == "ExternalSecret":
        return edit(owner, setting(owner, moment, "metadata", "annotations", _SYNC))
    issuing: JsonObject = {
        "type": "Issuing",
        "status": "True",
        "reason": "ManuallyTriggered",
        "message": "Certificate re-issuance manually triggered",
        "lastTransitionTime": moment,
    }
    kept: list[Json] = [dict(each.raw) for each in owner.conditions() if each.text("type") != "Issuing"]
    return edit(owner, setting(owner, [*kept, issuing], "status", "conditions"), subresource="status")


async def _users(on: Situation[NoParameters], secret: KubeObject) -> list[KubeObject]:
    found = []
    for resource in (DEPLOYMENT, STATEFUL_SET, DAEMON_SET):
        for item in (await on.reader.list(resource, secret.namespace)).items:
            names = {name for _, _, name in references_of(item.tree("spec", "template"))}
            if secret.name in names and not item.flag("spec", "paused"):
                found.append(item)
    return found


ACTION = Action[NoParameters](
    id=ActionId("rotate_secret"),
    summary="has the owner of a Secret renew it, and restarts its users once it has changed",
    targets=("Secret",),
    parameters=NoParameters,
    when="a credential or certificate is expired or exposed, and External Secrets or cert-manager owns it",
    never="a Secret that nobody can renew: no value is ever made up, read or kept",
    before="same uid; an External Secret or a Certificate owns it",
    risk=Risk.HIGH,
    undo="irreversible: the owner keeps the new value; workloads that restarted run the same template",
    reversible=False,
    reads=(
        Rule("", "secrets", ("get",)),
        Rule("external-secrets.io", "externalsecrets", ("get",)),
        Rule("cert-manager.io", "certificates", ("get",)),
        *workload_rules("get"),
        *workload_rules("list"),
    ),
    writes=(
        Rule("external-secrets.io", "externalsecrets", ("patch",)),
        Rule("cert-manager.io", "certificates/status", ("patch",)),
        *workload_rules("patch"),
    ),
    prepare=prepare,
)
