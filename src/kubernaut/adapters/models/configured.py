"""From the settings to providers: keys are read here, and a key that is missing takes one provider out, not all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from kubernaut.adapters.models.breaker import BreakerPolicy
from kubernaut.adapters.models.chain import Chain, ChainPolicy
from kubernaut.adapters.models.prompting import Hiding
from kubernaut.adapters.models.provider import Kind, Limits, Price, Provider
from kubernaut.adapters.models.reloading import Declared, WatchedProviders
from kubernaut.domain.errors import SettingsError
from kubernaut.ports import Clock, Meter
from kubernaut.settings import ModelsSettings, ProviderSettings, Settings, load_settings


def chain_of(settings: Settings, clock: Clock, meter: Meter) -> Chain:
    """The chain of these settings, which follows the file that they came from."""
    source = settings.source

    def read_again() -> Declared:
        return declared(load_settings(source).models, source)

    providers = WatchedProviders(read_again, declared(settings.models, source), meter)
    return Chain(providers, clock, meter, policy_of(settings.models))


def declared(models: ModelsSettings, source: Path | None) -> Declared:
    """The providers, and the files behind them."""
    files = {one.key_file for one in models.providers if one.key_file is not None}
    return Declared(tuple(map(_provider, models.providers)), frozenset(files | ({source} if source else set())))


def policy_of(models: ModelsSettings) -> ChainPolicy:
    """What holds for all of them."""
    return ChainPolicy(
        deadline=timedelta(seconds=models.deadline_s),
        hedge_after=timedelta(seconds=models.hedge_after_s) if models.hedge_after_s else None,
        breaker=BreakerPolicy(models.failures, timedelta(seconds=models.pause_s)),
        hiding=Hiding(mails="email" in models.hide, addresses="ip" in models.hide),
    )


def _provider(one: ProviderSettings) -> Provider:
    key, trouble = "", ""
    try:
        key = one.key()
    except SettingsError as error:
        trouble = f"{one.name}: {error}"
    return Provider(
        name=one.name,
        model=one.model,
        kind=Kind(one.kind),
        endpoint=one.endpoint,
        key=key,
        api_version=one.api_version,
        timeout=timedelta(seconds=one.timeout_s),
        window=one.window_tokens,
        tools=_may_use_tools(one),
        limits=Limits(one.concurrency, one.tokens_per_minute, one.tokens_per_day, one.usd_per_minute, one.usd_per_day),
        price=Price(one.usd_per_million_prompt_tokens, one.usd_per_million_reply_tokens),
        trouble=trouble,
    )


def _may_use_tools(one: ProviderSettings) -> bool:
    """Behind an OpenAI-compatible endpoint there is often a small model, which tools only confuse."""
    return one.kind != "openai-compatible" if one.tools is None else one.tools
