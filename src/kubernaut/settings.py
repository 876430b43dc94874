"""What is in force: one frozen tree, read once from a YAML file and `KUBERNAUT_*` variables, validated whole.

A variable is the path of its field in capitals, joined by two underscores: `KUBERNAUT_STORE__URL`. Variables win over
the file. Secrets are read from files, or from variables, and print as `**********`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from kubernaut.domain.errors import SettingsError

PREFIX = "KUBERNAUT_"

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def state_directory() -> Path:
    """Where a laptop keeps its database: `$XDG_STATE_HOME/kubernaut`, by default `~/.local/state/kubernaut`."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "kubernaut"


class HttpSettings(_Section):
    """The address of the API, the webhook and the pages."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` in a cluster."""
    port: int = Field(default=8080, ge=0, le=65_535)
    """Port to listen on; 0 takes a free one."""
    token: SecretStr | None = None
    """Bearer token that webhooks and API calls must carry; none by default."""
    token_file: Path | None = None
    """File that holds the token; wins over `token`."""


class StoreSettings(_Section):
    """Where everything is kept."""

    url: str = Field(default_factory=lambda: f"sqlite:///{state_directory() / 'kubernaut.sqlite'}")
    """`sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`."""
    signals_kept_days: int = Field(default=7, ge=1, le=3650)
    """Days after which an alert as it was sent is let go of; what came of it stays with its incident."""


class ClusterSettings(_Section):
    """Which cluster."""

    name: str = "default"
    """Its name in incidents and fingerprints."""
    kubeconfig: str = ""
    """A kubeconfig file, or several as in `$KUBECONFIG`; by default `$KUBECONFIG`, then the pod's own account,
    then `~/.kube/config`."""
    context: str | None = None
    """A context of the kubeconfig; by default its current one."""


class PolicySettings(_Section):
    """The guardrails."""

    file: Path | None = None
    """A policy file: rules, windows, budgets and thresholds (docs/policy.md). Read again when it changes; one that
    cannot be used allows nothing."""
    autonomy: Literal["observe", "suggest", "approve", "auto"] = "auto"
    """For managed namespaces without a label `kubernaut.ai/autonomy`."""
    attempts: int = Field(default=2, ge=1, le=5)
    """Remedies tried for one incident before people are asked."""
    approval_s: Seconds = 1800.0
    """Seconds until an unanswered request for approval escalates."""
    cooldown_s: Seconds = 600.0
    """Seconds before the same action may touch the same object again."""
    patience_s: float = Field(default=60.0, ge=0, le=3600)
    """Seconds after its alert for which a fault without a safe remedy is watched, in case it passes by itself, before
    people are called."""
    look_back_s: float = Field(default=300.0, ge=0, le=86_400)
    """Seconds for which an alert may go on firing after what it told of was mended: the same cause, or the same alert,
    on the same object is watched that long before a second remedy."""
    hold_s: Seconds = 300.0
    """Seconds after an incident closed in which the same alert joins it instead of opening a new one: the look-back
    of most alert rules."""
    recheck_s: Seconds = 20.0
    """Seconds until the next look at what is still rolling out, or at an object that another incident acts on."""
    looks: int = Field(default=30, ge=1, le=200)
    """Looks in all, those after a wait included, before people are asked."""
    explorations_per_day: int = Field(default=0, ge=0, le=100)
    """Remedies a day that are taken without asking although another one is better proven, to learn about them."""
    settle_s: float = Field(default=0.0, ge=0, le=3600)
    """Seconds between the alert and the first look at the cluster, for what heals by itself."""


class VerificationSettings(_Section):
    """How long a remedy is watched."""

    window_s: Seconds = 60.0
    """Seconds that the target has to stay well."""
    interval_s: Seconds = 5.0
    """Seconds between two looks."""
    deadline_s: Seconds = 900.0
    """Seconds after which a remedy that has not helped is taken back. Longer than the look-back of your alert rules,
    which go on firing for that long after the fault is mended."""


class PrometheusSettings(_Section):
    """A Prometheus-compatible server whose series are evidence; without one, objects, events and logs have to do."""

    url: str | None = None
    """Such as `http://prometheus-operated.monitoring:9090`; a path before `/api/v1` may follow."""
    token_file: Path | None = None
    """File that holds a bearer token, read again at each query."""
    timeout_s: Seconds = 5.0
    """Seconds until a query is given up; the diagnosis goes on without it."""


class ProviderSettings(_Section):
    """One provider of a language model."""

    name: str = Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][\w.-]*$")
    """Its name in events and metrics."""
    model: str = Field(min_length=1)
    """The model's id at that provider."""
    kind: Literal["openai-compatible", "openai", "azure", "anthropic", "gemini", "bedrock"] = "openai-compatible"
    """Its protocol. The last three need the extra of that name."""
    endpoint: str = ""
    """Base URL such as `http://127.0.0.1:11434/v1`; of `bedrock` the region. Empty where the provider has one."""
    key_file: Path | None = None
    """File that holds the key, read again when it changes; none where the provider wants none."""
    key_env: str | None = None
    """Variable that holds the key, where there is no file."""
    api_version: str = ""
    """Of `azure` only."""
    timeout_s: Seconds = 30.0
    """Deadline of one question to this provider, re-prompts included."""
    window_tokens: int = Field(default=8192, ge=1024, le=10_000_000)
    """The model's context; a question is shortened until it fits."""
    concurrency: int = Field(default=100, ge=1, le=1000)
    """Questions at once; lower it for a server that answers one after the other."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """Tokens it may take in a minute."""
    tokens_per_day: int | None = Field(default=None, ge=1)
    """Tokens it may take in a day."""
    usd_per_minute: float | None = Field(default=None, gt=0)
    """What it may cost in a minute."""
    usd_per_day: float | None = Field(default=None, gt=0)
    """What it may cost in a day."""
    usd_per_million_prompt_tokens: float = Field(default=0.0, ge=0)
    """Price of what is sent."""
    usd_per_million_reply_tokens: float = Field(default=0.0, ge=0)
    """Price of what is answered."""

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if self.kind in {"openai-compatible", "azure", "bedrock"} and not self.endpoint:
            raise ValueError(f"a provider of kind {self.kind} needs an endpoint")
        if self.endpoint and self.kind != "bedrock" and not _is_address(self.endpoint):
            raise ValueError("endpoint: not a URL such as http://127.0.0.1:11434/v1")
        if self.kind == "azure" and not self.api_version:
            raise ValueError("a provider of kind azure needs an api_version")
        return self

    def key(self) -> str:
        """The key as it is now, empty where none is wanted. Raises `SettingsError` where it is not there."""
        if self.key_file is not None:
            return _content(self.key_file, "key_file")
        if self.key_env is None:
            return ""
        if not os.environ.get(self.key_env):
            raise SettingsError(f"key_env: {self.key_env} is not set")
        return os.environ[self.key_env]


class ModelsSettings(_Section):
    """Language models, asked only where the rules are unsure. Taken over without a restart when the file changes."""

    providers: tuple[ProviderSettings, ...] = ()
    """In the order in which they are asked; see below."""
    ask_below: Share = 0.6
    """A model is asked where the rules are less sure than this. Read at the start only."""
    deadline_s: Seconds = 60.0
    """Deadline of a question, whatever the number of providers; then the rules decide. Read at the start only."""
    hedge_after_s: Seconds | None = None
    """Seconds after which the next provider is asked beside a slow one. Read at the start only."""
    keep_answers_s: float = Field(default=900.0, ge=0, le=86_400)
    """Seconds for which the answer to an equal question is taken again; 0 keeps none. Read at the start only."""
    failures: int = Field(default=3, ge=1, le=100)
    """Failures in a row after which a provider is left alone for a while. Read at the start only."""
    pause_s: Seconds = 15.0
    """That while, doubled with each failed trial. Read at the start only."""
    hide: tuple[Literal["email", "ip"], ...] = ()
    """What is hidden from models beside secrets. Read at the start only."""

    @field_validator("providers")
    @classmethod
    def _has_each_name_once(cls, providers: tuple[ProviderSettings, ...]) -> tuple[ProviderSettings, ...]:
        names = [one.name for one in providers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"more than one provider is called {', '.join(twice)}")
        return providers


class SlackSettings(_Section):
    """Messages to Slack, and its buttons."""

    webhook_url: SecretStr | None = None
    """The address of an incoming webhook."""
    webhook_url_file: Path | None = None
    """File that holds it; wins over `webhook_url`."""
    signing_secret: SecretStr | None = None
    """The app's signing secret; without it no button is taken."""
    signing_secret_file: Path | None = None
    """File that holds it; wins over `signing_secret`."""
    answers: str = Field(default="https://hooks.slack.com/", pattern=r"^https?://[^/]+/")
    """Where answers to a click may go: the start of the addresses that Slack gives with it."""

    def webhook(self) -> str | None:
        """The address of the webhook."""
        return _secret(self.webhook_url_file, self.webhook_url, "notify.slack.webhook_url_file")

    def secret(self) -> str | None:
        """What Slack signs clicks with."""
        return _secret(self.signing_secret_file, self.signing_secret, "notify.slack.signing_secret_file")


class ChannelSettings(_Section):
    """One channel by apprise, with what it wants to hear. Empty lists do not restrict."""

    name: str = Field(min_length=1, max_length=100)
    """Its name in the record."""
    url: SecretStr | None = None
    """Its address as apprise writes it, such as `mailto://USER:PASSWORD@HOST`."""
    url_file: Path | None = None
    """File that holds it; wins over `url`."""
    severities: tuple[str, ...] = ()
    """Severities of alerts."""
    namespaces: tuple[str, ...] = ()
    """Namespaces; `*` stands for anything."""
    outcomes: tuple[str, ...] = ()
    """`approval` for requests, and the endings of incidents."""
    title: str = ""
    """Template (Jinja2) for the title; knows `incident`, `title`, `lines` and `facts`."""
    body: str = ""
    """Template for the text."""

    def address(self) -> str | None:
        """The address."""
        return _secret(self.url_file, self.url, f"notify.channels.{self.name}.url_file")


class MemorySettings(_Section):
    """Where finished incidents are remembered, and when a repeat needs no second opinion."""

    store: Literal["embedded", "pgvector", "weaviate"] = "embedded"
    """`embedded` is the database of `store.url`; it stands in for the other two while they are down."""
    url: str | None = None
    """Of pgvector: `postgresql://…`, by default `store.url`. Of Weaviate: `http://HOST:PORT`."""
    grpc_port: int = Field(default=50_051, ge=1, le=65_535)
    """Weaviate's second port."""
    key_file: Path | None = None
    """File that holds Weaviate's API key; none where it wants none."""
    kept_in_memory: int = Field(default=20_000, ge=1, le=1_000_000)
    """Newest patterns that the embedded store searches; 1.5 KiB each."""
    repeat_likeness: Share = 0.9
    """An incident at least so like verified ones of the past is a repeat: no model is asked about it."""
    repeat_successes: int = Field(default=3, ge=1, le=50)
    """Verified successes of one action among the like incidents that make a repeat."""


class EmbedderSettings(_Section):
    """What turns an incident into numbers that can be compared."""

    kind: Literal["minilm", "openai", "sentence_transformers", "hashed"] = "minilm"
    """`minilm` comes along and needs no network; `hashed` compares spelling alone."""
    model: str = Field(default="", max_length=64)
    """Of `openai`: the model's id. Of `sentence_transformers`: a folder, or the name of what was downloaded before."""
    base_url: str | None = None
    """Of `openai`: such as `http://127.0.0.1:11434/v1`."""
    dimension: int | None = Field(default=None, ge=1, le=16_000)
    """How many numbers the model gives; needed for `openai` and `sentence_transformers`."""
    key_file: Path | None = None
    """File that holds the key, read again at each call; none where the endpoint wants none."""
    timeout_s: Seconds = 30.0
    """Deadline of one request."""
    batch: int = Field(default=64, ge=1, le=2048)
    """Texts in one request."""
    requests_per_minute: int = Field(default=600, ge=1, le=100_000)
    """Requests are spaced so."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        wanted = {"openai": ("model", "base_url", "dimension"), "sentence_transformers": ("model", "dimension")}
        missing = [name for name in wanted.get(self.kind, ()) if not getattr(self, name)]
        if missing:
            raise ValueError(f"{self.kind} needs {', '.join(missing)}")
        return self


class NotifySettings(_Section):
    """Where people are told."""

    webhook_url: str | None = None
    """A URL that takes a JSON POST for every escalation, approval request and closed incident."""
    slack: SlackSettings = SlackSettings()
    channels: tuple[ChannelSettings, ...] = ()
    tries: int = Field(default=3, ge=1, le=10)
    """Tries for one message and channel, with a pause that doubles between them."""
    patience_s: float = Field(default=10.0, gt=0, le=60)
    """Seconds after which a channel that does not answer is given up for one message."""


def _three(given: object) -> object:
    """One number, or `LOW-MIDDLE-HIGH`, or a list of the three."""
    if isinstance(given, str):
        given = [part.strip() for part in given.split("-")]
    parts = list(given) if isinstance(given, list | tuple) else [given]
    return tuple(parts * 3 if len(parts) == 1 else parts)


def _rising(given: tuple[float, float, float]) -> tuple[float, float, float]:
    if not 0 <= given[0] <= given[1] <= given[2] < float("inf"):
        raise ValueError("give one number from 0, or three that rise: LOW-MIDDLE-HIGH")
    return given


Declared = Annotated[tuple[float, float, float], BeforeValidator(_three), AfterValidator(_rising)]


class ValueSettings(_Section):
    """What the owner declares, so that value can be computed. Nothing is assumed: without a number, no figure.

    Each is one number, or a range as `LOW-MIDDLE-HIGH` (`25-42-70`), over which the money figures are then drawn.
    """

    minutes_by_hand: Declared | None = None
    """Minutes of people's work that such an incident costs without Kubernaut."""
    wage_usd_per_hour: Declared | None = None
    """Loaded cost of one hour of that work."""
    review_minutes: Declared | None = None
    """Minutes that people spend on reading the report of one incident; 0 until you declare it."""
    approval_minutes: Declared | None = None
    """Minutes that people spend on deciding about one proposal; 0 until you declare it."""
    downtime_usd_per_minute: Declared | None = None
    """Cost of a minute of downtime; 0 until you declare it."""
    cost_usd_per_month: Declared | None = None
    """What running Kubernaut costs: compute, licences, upkeep."""
    model_usd_per_million_tokens: Annotated[float, Field(ge=0)] | None = None
    """Price of a million tokens of the models that are asked."""


class LogSettings(_Section):
    """Logs go to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is written."""
    json_lines: bool = False
    """One JSON object a line instead of text."""


class Settings(_Section):
    """Everything."""

    http: HttpSettings = HttpSettings()
    store: StoreSettings = Field(default_factory=StoreSettings)
    cluster: ClusterSettings = ClusterSettings()
    policy: PolicySettings = PolicySettings()
    verification: VerificationSettings = VerificationSettings()
    prometheus: PrometheusSettings = PrometheusSettings()
    models: ModelsSettings = ModelsSettings()
    memory: MemorySettings = MemorySettings()
    embedder: EmbedderSettings = EmbedderSettings()
    notify: NotifySettings = NotifySettings()
    value: ValueSettings = ValueSettings()
    log: LogSettings = LogSettings()
    in_flight: int = Field(default=100, ge=1, le=1000)
    """Incidents worked on at once by one process; the others wait in the inbox."""
    _source: Path | None = PrivateAttr(default=None)

    @property
    def source(self) -> Path | None:
        """The file that they were read from."""
        return self._source

    def bearer_token(self) -> str | None:
        """The token that callers must carry, None where none is wanted."""
        if self.http.token_file is not None:
            return _content(self.http.token_file, "http.token_file")
        return self.http.token.get_secret_value() if self.http.token else None


def load_settings(path: Path | None = None, *, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file and the environment. Raises `SettingsError` that names the field and the fix."""
    variables = os.environ if environ is None else environ
    chosen = path or (Path(variables["KUBERNAUT_CONFIG"]) if variables.get("KUBERNAUT_CONFIG") else None)
    tree = _file_tree(chosen) if chosen else {}
    for name, value in sorted(variables.items()):
        if name.startswith(PREFIX) and name != "KUBERNAUT_CONFIG" and not name.startswith("KUBERNAUT_TEST_"):
            _put(tree, name.removeprefix(PREFIX).lower().split("__"), value, name)
    if variables.get("KUBECONFIG"):
        _default(tree, "cluster", "kubeconfig", variables["KUBECONFIG"])
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise SettingsError(_explain(error, chosen), help="kubernaut config show") from error
    settings._source = chosen  # noqa: SLF001  # no setting of its own
    return settings


def _file_tree(path: Path) -> dict[str, object]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", help="kubernaut config check --config FILE") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {' '.join(str(error).split())}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsError(f"{path}: the top level must be a mapping of sections, such as `http:`")
    return tree


def _default(tree: dict[str, object], section: str, key: str, value: str) -> None:
    node = tree.setdefault(section, {})
    if isinstance(node, dict):
        node.setdefault(key, value)


def _put(tree: dict[str, object], keys: list[str], value: str, variable: str) -> None:
    node = tree
    for key in keys[:-1]:
        child = node.setdefault(key, {})
        if not isinstance(child, dict):
            raise SettingsError(f"{variable}: {key} is no section", help="kubernaut config show")
        node = child
    node[keys[-1]] = value


def _explain(error: ValidationError, path: Path | None) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in problem["loc"])
        message = "there is no such setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"{field}: {message}")
    return f"{path or 'settings'}: " + "; ".join(lines)


def _secret(file: Path | None, value: SecretStr | None, field: str) -> str | None:
    if file is not None:
        return _content(file, field)
    return value.get_secret_value() if value else None


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _content(path: Path, field: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{field}: {path}: {error.strerror}") from error
    if not text:
        raise SettingsError(f"{field}: {path} is empty")
    return text


class TerminalWishes(NamedTuple):
    """What the environment says about colours."""

    no_color: bool
    force_color: bool
    dumb: bool


def terminal_wishes(environ: Mapping[str, str] | None = None) -> TerminalWishes:
    """The wishes of `NO_COLOR`, `FORCE_COLOR` and `TERM`."""
    variables = os.environ if environ is None else environ
    return TerminalWishes(
        no_color=bool(variables.get("NO_COLOR")),
        force_color=bool(variables.get("FORCE_COLOR")),
        dumb=variables.get("TERM") == "dumb",
    )
