"""The channels of the settings, built. Part of the wiring, in a file of its own."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta

from kubernaut.adapters.notify.apprise_channel import AppriseNotifier
from kubernaut.adapters.notify.nowhere import NowhereNotifier
from kubernaut.adapters.notify.routing import Channel, Patience, Route, RoutingNotifier, Wording
from kubernaut.adapters.notify.slack import SlackNotifier
from kubernaut.adapters.notify.webhook import WebhookNotifier
from kubernaut.domain.errors import SettingsError
from kubernaut.ports import Notifier
from kubernaut.settings import ChannelSettings, NotifySettings


async def notifier_of(settings: NotifySettings, closing: AsyncExitStack) -> Notifier:
    """The notifier for all channels of the settings; raises `SettingsError` for one that cannot be used."""
    channels: list[Channel] = []
    if settings.webhook_url:
        webhook = WebhookNotifier(settings.webhook_url.get_secret_value())
        closing.push_async_callback(webhook.aclose)
        channels.append(Channel("webhook", webhook))
    address = settings.slack.webhook()
    if address:
        slack = SlackNotifier(address)
        closing.push_async_callback(slack.aclose)
        channels.append(Channel("slack", slack))
    for each in settings.channels:
        named = _channel(each)
        closing.push_async_callback(named.aclose)
        route = Route(frozenset(each.severities), each.namespaces, frozenset(each.outcomes))
        channels.append(Channel(each.name, named, route, Wording(each.title, each.body)))
    if not channels:
        return NowhereNotifier()
    patience = Patience(tries=settings.tries, deadline=timedelta(seconds=settings.patience_s))
    return RoutingNotifier(channels, patience=patience)


def _channel(settings: ChannelSettings) -> AppriseNotifier:
    address = settings.address()
    if not address:
        raise SettingsError(f"notify.channels: {settings.name} has no address", help="give url_file, or url")
    return AppriseNotifier(settings.name, address)
