"""Every error of ours. One root, one family a seam, leaves named for the fact.

`retryable` says whether the same call may succeed later; the engine alone acts on it.
"""

from __future__ import annotations

from kubernaut.domain.model_calls import ModelCall, ModelFailure


class KubernautError(Exception):
    """The root: nothing else is raised on purpose."""

    code = "internal"
    retryable = False

    def __init__(self, message: str, *, help: str = "") -> None:  # noqa: A002  # the word that users read
        super().__init__(message)
        self.help = help


class InputError(KubernautError):
    """What was handed in cannot be taken; the sender has to change it."""

    code = "invalid_input"


class WrongValue(InputError):
    """A value that an option does not take; it names the option and says what would do."""

    code = "wrong_use"

    def __init__(self, option: str, given: str, fix: str) -> None:
        super().__init__(f"{option} {given[:40]}: {fix}")


class MalformedSignal(InputError):
    """A body that is not what its endpoint takes."""

    code = "malformed_signal"


class SettingsError(InputError):
    """A setting that is unknown, missing or out of bounds."""

    code = "invalid_settings"


class PolicyError(InputError):
    """A policy that cannot be read or that has no answer: nothing is done until it has one."""

    code = "invalid_policy"


class StrategyError(InputError):
    """A strategy that cannot be taken: those in force before stay in force."""

    code = "invalid_strategy"


class UnknownName(InputError):
    """An id (incident, action, scenario) that names nothing."""

    code = "unknown_name"


class AmbiguousId(InputError):
    """The start of several ids."""

    code = "ambiguous_id"


class OrderRefused(InputError):
    """A person's order that does not fit what is going on."""

    code = "order_refused"


class SnapshotError(InputError):
    """A saved cluster (file, directory, archive) that cannot be read, or is larger than what is taken."""

    code = "snapshot"


class ClusterError(KubernautError):
    """The family of what a Kubernetes API server answers."""

    code = "cluster"


class NoCluster(ClusterError):
    """No kubeconfig, and not in a pod."""

    code = "no_cluster"


class NotInSnapshot(ClusterError):
    """A saved cluster holds nothing about it, which says nothing about the cluster."""

    code = "not_in_snapshot"


class ClusterUnavailable(ClusterError):
    """Refused, reset, timed out, or a 5xx: nothing is known about the object."""

    code = "cluster_unavailable"
    retryable = True


class ClusterThrottled(ClusterError):
    """429: later, after `retry_after_s` seconds. Eviction answers so while a disruption budget is used up."""

    code = "cluster_throttled"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Forbidden(ClusterError):
    """403: our role lacks this verb. The three fields are the rule that would allow it."""

    code = "forbidden"

    def __init__(
        self,
        message: str,
        *,
        api_group: str = "",
        resource: str = "",
        verb: str = "",
        help: str = "",  # noqa: A002
    ) -> None:
        super().__init__(message, help=help)
        self.api_group = api_group
        self.resource = resource
        self.verb = verb


class NotLoggedIn(Forbidden):
    """401, or no token at all: who we are is not accepted now, which says nothing about what we may do."""

    code = "not_logged_in"
    retryable = True


class ObjectMissing(ClusterError):
    """404 on a write: the object is gone."""

    code = "object_missing"


class Conflict(ClusterError):
    """409: the object changed since it was read; read it again and decide again."""

    code = "conflict"


class WatchExpired(ClusterError):
    """410: the resourceVersion is too old; list again."""

    code = "watch_expired"


class ChangeRejected(ClusterError):
    """400 or 422: the API server, or an admission webhook, refuses this change."""

    code = "change_rejected"


class StoreError(KubernautError):
    """The family of the database."""

    code = "store"


class StoreUnavailable(StoreError):
    """The database does not answer, is full or locked: nothing was committed."""

    code = "store_unavailable"
    retryable = True


class TransitionRefused(StoreError):
    """An incident cannot go from its phase to the wanted one; nothing was changed."""

    code = "transition_refused"


class ModelError(KubernautError):
    """The family of the language models; the rules take over. What was spent before the failure is kept."""

    code = "model"

    def __init__(
        self, message: str, *, failure: ModelFailure = ModelFailure.REJECTED, calls: tuple[ModelCall, ...] = ()
    ) -> None:
        super().__init__(message)
        self.failure = failure
        self.calls = calls


class ModelUnavailable(ModelError):
    """No provider could be reached, or none was allowed to be asked."""

    code = "model_unavailable"


class ModelThrottled(ModelUnavailable):
    """429: later, after `retry_after_s` seconds where the provider said so."""

    code = "model_throttled"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message, failure=ModelFailure.THROTTLED)
        self.retry_after_s = retry_after_s


class ModelReplyInvalid(ModelError):
    """A reply that fails its schema, or names what is not in the catalogue or the evidence."""

    code = "model_reply_invalid"


class ModelReplySuspicious(ModelError):
    """A reply that does what a text of the cluster told it: it is thrown away, and people look at the incident."""

    code = "model_reply_suspicious"

    def __init__(self, message: str, *, calls: tuple[ModelCall, ...] = ()) -> None:
        super().__init__(message, failure=ModelFailure.SUSPICIOUS, calls=calls)


class EmptyText(InputError):
    """Blank text has no embedding."""

    code = "empty_text"


class EmptyEmbedding(InputError):
    """A vector of no length, or of another length than 1: nothing can be compared with it."""

    code = "empty_embedding"


class EmbedderError(KubernautError):
    """The family of what turns text into vectors; the lesson is lost, the incident is not."""

    code = "embedder"


class EmbedderUnavailable(EmbedderError):
    """It does not answer, or not in time, or answers 429 or 5xx for as long as it was asked."""

    code = "embedder_unavailable"
    retryable = True


class EmbeddingInvalid(EmbedderError):
    """An answer that is no vector of the declared dimension for each text."""

    code = "embedding_invalid"


class EngineError(KubernautError):
    """The family of durable runs: what ends a run that no stage decided to end."""

    code = "engine"


class StepBroke(EngineError):
    """A step, or the code between steps, raised what nobody had foreseen."""

    code = "step_broke"


class StepNameTaken(EngineError):
    """Two steps of one run have the same name, which is their idempotency key."""

    code = "step_name_taken"


class JournalMismatch(EngineError):
    """The code asks for another step than the one that its journal holds at that place."""

    code = "journal_mismatch"


class RunAbandoned(EngineError):
    """The run was started again and again and never got to its end: it takes its process down."""

    code = "run_abandoned"


class EngineClosing(EngineError):
    """The engine takes no more runs: the process is about to stop."""

    code = "engine_closing"
    retryable = True


class MetricsUnavailable(KubernautError):
    """Prometheus does not answer, or answers with an error; what it would have shown is unknown."""

    code = "metrics_unavailable"
    retryable = True


class SourceError(KubernautError):
    """A repository, or the service around it, that does not do what was asked; nothing was proposed."""

    code = "source"


class SourceUnavailable(SourceError):
    """It does not answer, or not in time: nothing is known about it."""

    code = "source_unavailable"
    retryable = True


class BranchMoved(SourceError):
    """A branch is not where it was: somebody else pushed to it."""

    code = "branch_moved"


class NotifyFailed(KubernautError):
    """A channel did not take the message."""

    code = "notify_failed"
    retryable = True


class PortTaken(KubernautError):
    """The address to listen on is in use."""

    code = "port_taken"
