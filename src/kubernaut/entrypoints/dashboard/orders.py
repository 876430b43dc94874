"""Buttons: each asks first, naming the object and the effect, and asks again when the plan changed meanwhile."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from kubernaut.domain.errors import UnknownName
from kubernaut.domain.incidents import IncidentId
from kubernaut.entrypoints.dashboard.gate import check_origin, form_fields
from kubernaut.entrypoints.dashboard.responses import HEADERS, page
from kubernaut.entrypoints.dashboard.views import Reader, version_of
from kubernaut.entrypoints.http.operations import Answer, Instruction, Operations, Refused
from kubernaut.entrypoints.story import Story
from kubernaut.ports import Switch

_LONGEST_NAME = 200
_LONGEST_REASON = 1000
_LONGEST_NUMBER = 3
_VERBS = frozenset({"approve", "reject", "undo"})
_SWITCH = frozenset({"suspend", "resume"})


class Orders:
    """The confirmation pages and what follows them."""

    def __init__(self, reader: Reader, operations: Operations, switch: Switch) -> None:
        self._reader = reader
        self._operations = operations
        self._switch = switch

    async def question(self, request: Request) -> Response:
        """The page that asks before anything is done to an incident."""
        verb = _verb(request, _VERBS)
        return _question(await self._reader.story(request.path_params["incident"]), verb)

    async def give(self, request: Request) -> Response:
        """Does it, where what was shown is still what would be done."""
        check_origin(request)
        verb = _verb(request, _VERBS)
        fields = await form_fields(request)
        story = await self._reader.story(request.path_params["incident"])
        if fields.get("version") != version_of(story):
            return _question(story, verb, 409, trouble="It changed while you looked. Nothing was done; look again.")
        if not fields.get("by"):
            return _question(story, verb, 400, trouble="Your name is needed: it goes into the record.")
        order = {
            "approve": self._operations.approve,
            "reject": self._operations.reject,
            "undo": self._operations.undo,
        }[verb]
        answer = await order(IncidentId(story.incident.id), _instruction(fields))
        if isinstance(answer, Refused):
            return _question(story, verb, 409, trouble=_why(answer))
        return RedirectResponse(f"/incidents/{story.incident.id}", 303, headers=HEADERS)

    async def switch_question(self, request: Request) -> Response:
        """The page that asks before all actions are switched off or on."""
        return await self._switch_page(_verb(request, _SWITCH))

    async def give_switch(self, request: Request) -> Response:
        """Switches."""
        check_origin(request)
        verb = _verb(request, _SWITCH)
        fields = await form_fields(request)
        if not fields.get("by"):
            return await self._switch_page(verb, 400, trouble="Your name is needed: it goes into the record.")
        order = self._operations.suspend if verb == "suspend" else self._operations.resume
        answer: Answer = await order(_instruction(fields))
        if isinstance(answer, Refused):
            return await self._switch_page(verb, 409, trouble=_why(answer))
        return RedirectResponse("/", 303, headers=HEADERS)

    async def _switch_page(self, verb: str, status: int = 200, *, trouble: str = "") -> Response:
        suspension = await self._switch.suspension()
        return page("switch.html", status, verb=verb, suspension=suspension, trouble=trouble)


def _question(story: Story, verb: str, status: int = 200, *, trouble: str = "") -> Response:
    possible = story.can_undo if verb == "undo" else story.question is not None
    return page(
        "confirm.html", status, story=story, verb=verb, version=version_of(story), trouble=trouble, possible=possible
    )


def _verb(request: Request, known: frozenset[str]) -> str:
    verb: str = request.path_params["verb"]
    if verb not in known:
        raise UnknownName(f"no page {request.url.path[:80]}")
    return verb


def _instruction(fields: dict[str, str]) -> Instruction:
    choice = fields.get("choice", "1")
    return Instruction(
        fields["by"][:_LONGEST_NAME],
        fields.get("reason", "")[:_LONGEST_REASON],
        int(choice) if choice.isdecimal() and len(choice) <= _LONGEST_NUMBER else choice[:_LONGEST_NAME],
    )


def _why(answer: Refused) -> str:
    return f"{answer.reason}. {answer.help}".strip()
