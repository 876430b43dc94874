"""Whether our account has the rights that the enabled actions need, asked of the API server beforehand.

Rights to change things may be given in single namespaces. So what is not allowed everywhere is asked again for each
namespace that is managed, and missing there is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from kubernaut.domain.errors import ClusterError, Forbidden
from kubernaut.execution.catalogue import Catalogue, Rule
from kubernaut.execution.permissions import MissingRight, lacking, needed_rights
from kubernaut.ports import ClusterReader
from kubernaut.resources import NAMESPACE

log = structlog.get_logger(__name__)

MANAGED: Final = "kubernaut.ai/managed=true"
FIX: Final = "kubernaut rbac render | kubectl apply -f -"
# A review is a call a right and namespace; beyond these the first refused action tells.
_MOST_NAMESPACES: Final = 20


@dataclass(frozen=True, slots=True)
class Lack:
    """A right that is missing, and where: in a namespace, or everywhere."""

    right: MissingRight
    namespace: str = ""

    def __str__(self) -> str:
        """`create pods/eviction in shop (drain_node)`."""
        rule = self.right.rule
        group = f"{rule.api_group}/" if rule.api_group else ""
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{rule.verbs[0]} {group}{rule.resource}{where} ({', '.join(self.right.actions)})"


async def find_lacks(reader: ClusterReader, catalogue: Catalogue) -> tuple[Lack, ...]:
    """The missing rights; raises a `ClusterError` where the API server cannot be asked."""
    missing = await lacking(reader, needed_rights(catalogue), "")
    if not missing:
        return ()
    # Only what people have opted in is ever changed, so a right that is missing elsewhere is missed by nobody.
    listing = await reader.list(NAMESPACE, labels=MANAGED)
    places = [item.name for item in listing.items][:_MOST_NAMESPACES]
    if not places:
        return tuple(Lack(right) for right in missing)
    again: dict[Rule, Sequence[str]] = {right.rule: right.actions for right in missing}
    return tuple([Lack(right, place) for place in places for right in await lacking(reader, again, place)])


def in_words(lacks: Iterable[Lack], *, most: int = 5) -> str:
    """`ok`, or what is missing and what gives it."""
    told = [str(lack) for lack in lacks]
    if not told:
        return "ok"
    more = f" and {len(told) - most} more" if len(told) > most else ""
    return f"missing: {'; '.join(told[:most])}{more}. {FIX}"


@dataclass(slots=True)
class Preflight:
    """Asks once, beside the start of the service; `words` is what is wrong with the rights, as far as is known."""

    reader: ClusterReader
    catalogue: Catalogue
    words: str = ""

    async def check(self) -> None:
        """Raises `Forbidden` where rights are missing, or could not be asked about."""
        if self.words:
            raise Forbidden(self.words, help=FIX)

    async def work(self) -> None:
        """Never raises for the cluster's sake: a service without rights still diagnoses."""
        try:
            lacks = await find_lacks(self.reader, self.catalogue)
        except ClusterError as error:
            self.words = f"could not be asked: {error}"
            log.warning("rights not known", error=str(error))
            return
        self.words = in_words(lacks) if lacks else ""
        if lacks:
            log.warning("rights missing", rights=[str(lack) for lack in lacks], fix=FIX)
