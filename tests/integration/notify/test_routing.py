"""Who hears what, and that a channel that does not work holds nobody up for long."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.adapters.memory.notifier import MemoryNotifier
from kubernaut.adapters.notify.apprise_channel import AppriseNotifier
from kubernaut.adapters.notify.routing import Channel, Patience, Route, RoutingNotifier, Wording
from kubernaut.adapters.notify.webhook import WebhookNotifier
from kubernaut.domain.errors import NotifyFailed, SettingsError
from kubernaut.domain.incidents import IncidentId
from kubernaut.ports import Message
from tests.integration.notify.test_webhook import listening

FACTS = {"severity": "critical", "namespace": "pay-eu", "outcome": "escalated", "target": "pay-eu/deployment/ledger"}
MESSAGE = Message(IncidentId("inc-1"), "Over to you · ledger", ("no safe action fits",), FACTS)
QUICK = Patience(one=timedelta(milliseconds=40), deadline=timedelta(milliseconds=200))
# The library imports what Python 3.13 leaves out, where there is another way, too.
THEIRS = pytest.mark.filterwarnings("ignore::DeprecationWarning")
BROKEN = b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n"


class Stumbling:
    """Fails so often, then takes the message."""

    def __init__(self, failures: int) -> None:
        self.failures, self.asked = failures, 0

    async def send(self, message: Message) -> str:  # noqa: ARG002
        self.asked += 1
        if self.asked <= self.failures:
            raise NotifyFailed("HTTP 503")
        return "mail"


def routing(*channels: Channel, patience: Patience = QUICK) -> tuple[RoutingNotifier, list[float]]:
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    return RoutingNotifier(channels, patience=patience, pause=pause), paused


@pytest.mark.parametrize(
    ("route", "takes"),
    [
        (Route(), True),
        (Route(severities=frozenset({"critical"})), True),
        (Route(severities=frozenset({"warning"})), False),
        (Route(namespaces=("pay-*",)), True),
        (Route(namespaces=("shop", "web")), False),
        (Route(outcomes=frozenset({"escalated", "approval"})), True),
        (Route(outcomes=frozenset({"healed"})), False),
        (Route(frozenset({"critical"}), ("shop",), frozenset({"escalated"})), False),
    ],
)
async def test_a_channel_hears_what_its_route_takes(route: Route, takes: bool) -> None:  # noqa: FBT001
    inside = MemoryNotifier()
    notifier, _ = routing(Channel("mail", inside, route))
    await notifier.send(MESSAGE)
    assert inside.sent == [MESSAGE] * takes


async def test_a_message_that_no_channel_wants_went_nowhere_and_says_so() -> None:
    notifier, _ = routing(Channel("mail", MemoryNotifier(), Route(outcomes=frozenset({"healed"}))))
    assert await notifier.send(MESSAGE) == "nowhere: no channel wants to hear this"


async def test_a_channel_that_stumbles_is_tried_again_after_a_pause_that_doubles() -> None:
    stumbling = Stumbling(2)
    notifier, paused = routing(Channel("mail", stumbling))
    assert await notifier.send(MESSAGE) == "mail"
    assert paused == [0.5, 1.0]


async def test_a_channel_that_never_takes_it_is_given_up_and_said() -> None:
    stumbling = Stumbling(9)
    notifier, _ = routing(Channel("mail", stumbling))
    with pytest.raises(NotifyFailed, match="mail: HTTP 503"):
        await notifier.send(MESSAGE)
    assert stumbling.asked == 3


async def test_one_broken_channel_keeps_the_message_from_no_other() -> None:
    inside = MemoryNotifier()
    notifier, _ = routing(Channel("mail", Stumbling(9)), Channel("chat", inside))
    assert await notifier.send(MESSAGE) == "memory; failed: mail: HTTP 503"
    assert inside.sent == [MESSAGE]


async def test_a_channel_that_hangs_is_given_up_while_the_others_are_told() -> None:
    async with listening(None) as (url, received):
        hanging = WebhookNotifier(url)
        inside = MemoryNotifier()
        notifier, _ = routing(Channel("hanging", hanging), Channel("chat", inside))
        async with asyncio.timeout(10):
            where = await notifier.send(MESSAGE)
        await hanging.aclose()
    assert where.startswith("memory; failed: hanging: no answer within")
    assert len(received) >= 1


async def test_a_channel_that_answers_500_is_tried_three_times() -> None:
    async with listening(BROKEN) as (url, received):
        broken = WebhookNotifier(url)
        notifier, _ = routing(Channel("hook", broken), patience=Patience())
        with pytest.raises(NotifyFailed, match="HTTP 500"):
            await notifier.send(MESSAGE)
        await broken.aclose()
    assert len(received) == 3


async def test_templates_put_the_facts_into_a_channels_own_words() -> None:
    inside = MemoryNotifier()
    wording = Wording("[{{ facts.outcome }}] {{ facts.target }}", "{{ lines | join(' / ') }}\nSee {{ incident }}")
    notifier, _ = routing(Channel("mail", inside, wording=wording))
    await notifier.send(MESSAGE)
    assert inside.sent[0].title == "[escalated] pay-eu/deployment/ledger"
    assert inside.sent[0].lines == ("no safe action fits", "See inc-1")


def test_what_is_no_template_is_refused_when_the_settings_are_read() -> None:
    with pytest.raises(SettingsError, match="notify template"):
        Wording("{{ facts.outcome ")


async def test_a_template_that_names_what_there_is_not_fails_its_channel_alone() -> None:
    inside = MemoryNotifier()
    notifier, _ = routing(Channel("odd", MemoryNotifier(), wording=Wording("{{ nothing }}")), Channel("chat", inside))
    assert "failed: odd: template: 'nothing' is undefined" in await notifier.send(MESSAGE)


@pytest.mark.parametrize("wrong", ["{{ facts.severity + 1 }}", "{{ 1 // 0 }}"])
async def test_a_template_that_calculates_what_has_no_result_fails_its_channel_alone(wrong: str) -> None:
    inside = MemoryNotifier()
    notifier, _ = routing(Channel("odd", MemoryNotifier(), wording=Wording(wrong)), Channel("chat", inside))
    assert "failed: odd: template: " in await notifier.send(MESSAGE)
    assert len(inside.sent) == 1


async def test_a_template_reaches_nothing_of_the_program() -> None:
    notifier, _ = routing(Channel("odd", MemoryNotifier(), wording=Wording("{{ title.__class__.__mro__ }}")))
    with pytest.raises(NotifyFailed, match="unsafe"):
        await notifier.send(MESSAGE)


async def test_a_title_of_many_lines_becomes_one() -> None:
    inside = MemoryNotifier()
    notifier, _ = routing(Channel("mail", inside, wording=Wording("a\nBcc: b")))
    await notifier.send(MESSAGE)
    assert inside.sent[0].title == "a Bcc: b"


@THEIRS
async def test_apprise_delivers_to_a_service_of_its_own() -> None:
    async with listening(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as (url, received):
        channel = AppriseNotifier("hook", url.replace("http://", "json://"))
        assert await channel.send(MESSAGE) == "apprise hook"
        await channel.aclose()
    assert (received[0]["title"], received[0]["message"]) == (MESSAGE.title, "no safe action fits")


@THEIRS
async def test_an_address_that_apprise_does_not_know_is_said_without_being_shown() -> None:
    channel = AppriseNotifier("odd", "nosuch://s3cret@host")
    with pytest.raises(NotifyFailed) as failed:
        await channel.send(MESSAGE)
    await channel.aclose()
    assert "s3cret" not in str(failed.value)


@THEIRS
async def test_a_service_that_refuses_is_a_failure() -> None:
    async with listening(BROKEN) as (url, _):
        channel = AppriseNotifier("hook", url.replace("http://", "json://"))
        with pytest.raises(NotifyFailed, match="did not take it"):
            await channel.send(replace(MESSAGE, lines=()))
        await channel.aclose()
