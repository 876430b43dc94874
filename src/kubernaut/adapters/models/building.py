"""A provider's model from pydantic-ai, imported when it is needed: together they take seconds and 45 MiB."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, cast

from kubernaut.adapters.models.provider import Kind, Provider
from kubernaut.domain.errors import ModelUnavailable
from kubernaut.domain.model_calls import ModelFailure

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model

_EXTRAS = {Kind.ANTHROPIC: "anthropic", Kind.GEMINI: "gemini", Kind.BEDROCK: "bedrock"}


def build_model(provider: Provider, http: httpx2.AsyncClient) -> Model:
    """The model. Raises `ModelUnavailable` that names the extra where its library is not installed."""
    match provider.kind:
        case Kind.OPENAI_COMPATIBLE | Kind.OPENAI | Kind.AZURE:
            return _openai(provider, http)
        case Kind.ANTHROPIC:
            return _anthropic(provider, http)
        case Kind.GEMINI:
            return _gemini(provider, http)
        case Kind.BEDROCK:
            return _bedrock(provider)
        case Kind.HOLMESGPT:
            raise ModelUnavailable(
                f"{provider.name}: no model but an investigator", failure=ModelFailure.NOT_CONFIGURED
            )


def _openai(provider: Provider, http: httpx2.AsyncClient) -> Model:
    sdk, models = import_module("openai"), import_module("pydantic_ai.models.openai")
    key = provider.key or "none"
    # The chain alone repeats; a client that repeats by itself would multiply its attempts.
    if provider.kind is Kind.AZURE:
        client = sdk.AsyncAzureOpenAI(
            azure_endpoint=provider.endpoint,
            api_version=provider.api_version,
            api_key=key,
            max_retries=0,
            http_client=http,
        )
        adapter = import_module("pydantic_ai.providers.azure").AzureProvider(openai_client=client)
        return cast("Model", models.OpenAIChatModel(provider.model, provider=adapter))
    client = sdk.AsyncOpenAI(base_url=provider.endpoint or None, api_key=key, max_retries=0, http_client=http)
    if provider.kind is Kind.OPENAI:
        adapter = import_module("pydantic_ai.providers.openai").OpenAIProvider(openai_client=client)
        return cast("Model", models.OpenAIChatModel(provider.model, provider=adapter))
    known = import_module("pydantic_ai.providers.openai_compatible")
    adapter = known.OpenAICompatibleProvider(provider.name, openai_client=client)
    profiles = import_module("pydantic_ai.profiles.openai")
    profile = profiles.OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
    return cast("Model", models.OpenAIChatModel(provider.model, provider=adapter, profile=profile))


def _anthropic(provider: Provider, http: httpx2.AsyncClient) -> Model:
    sdk = _library("anthropic", provider)
    client = sdk.AsyncAnthropic(
        api_key=provider.key, base_url=provider.endpoint or None, max_retries=0, http_client=http
    )
    adapter = import_module("pydantic_ai.providers.anthropic").AnthropicProvider(anthropic_client=client)
    return cast("Model", import_module("pydantic_ai.models.anthropic").AnthropicModel(provider.model, provider=adapter))


def _gemini(provider: Provider, http: httpx2.AsyncClient) -> Model:
    _library("google.genai", provider)
    adapter = import_module("pydantic_ai.providers.google").GoogleProvider(
        api_key=provider.key, http_client=http, base_url=provider.endpoint or None
    )
    return cast("Model", import_module("pydantic_ai.models.google").GoogleModel(provider.model, provider=adapter))


def _bedrock(provider: Provider) -> Model:
    _library("boto3", provider)
    # Without a key the library takes the account of the machine, as every program of AWS does.
    seconds = provider.timeout.total_seconds()
    key = {"api_key": provider.key} if provider.key else {}
    adapter = import_module("pydantic_ai.providers.bedrock").BedrockProvider(
        region_name=provider.endpoint, aws_read_timeout=seconds, aws_connect_timeout=seconds, **key
    )
    models = import_module("pydantic_ai.models.bedrock")
    return cast("Model", models.BedrockConverseModel(provider.model, provider=adapter))


def _library(name: str, provider: Provider) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        extra = _EXTRAS[provider.kind]
        raise ModelUnavailable(
            f"{provider.name}: models of kind {provider.kind} need an extra: pip install 'kubernaut[{extra}]'",
            failure=ModelFailure.NOT_CONFIGURED,
        ) from error
