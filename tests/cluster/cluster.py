"""A cluster as the tests use it: through kubectl, with namespaces that go when their test ends."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.node import Node
from tests.cluster.processes import CommandFailed, run, wait_until

Manifest = Mapping[str, object]


@dataclass(frozen=True)
class Cluster:
    """A Kubernetes API server, and perhaps a node of ours behind it."""

    kubeconfig: Path
    kubectl_command: tuple[str, ...]
    node: Node | None = None  # the bed's own; a cluster lent by the user has none that may be harmed

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """What kubectl printed; raises CommandFailed with its words where it refuses."""
        return run([*self.kubectl_command, f"--kubeconfig={self.kubeconfig}", *arguments], stdin=stdin)

    def apply(self, *objects: Manifest) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--filename=-", stdin=json.dumps(listed))

    def read(self, what: str, path: str, *, namespace: str = "default") -> str:
        """The value at a JSONPath, for example `read("deployment/web", ".status.readyReplicas")`; "" if absent."""
        try:
            return self.kubectl("get", *what.split(), f"--namespace={namespace}", f"--output=jsonpath={{{path}}}")
        except CommandFailed as error:
            if "(NotFound)" in str(error) or "array index out of bounds" in str(error):
                return ""
            raise

    def wait_for(
        self, what: str, path: str, wanted: str | Callable[[str], bool], *, namespace: str, within_s: float = 60
    ) -> str:
        """The value at the path, once it is (or satisfies) what is wanted."""
        seen = ""

        def is_there() -> bool:
            nonlocal seen
            seen = self.read(what, path, namespace=namespace)
            return seen == wanted if isinstance(wanted, str) else wanted(seen)

        try:
            wait_until(f"{what} {path}", is_there, within_s=within_s, every_s=0.3)
        except Exception as error:
            error.add_note(f"last seen: {seen!r}\n{self.story_of(namespace)}")
            raise
        return seen

    def story_of(self, namespace: str) -> str:
        """Pods and events of a namespace, for a failed test's report."""
        pods = self.kubectl("get", "pods", f"--namespace={namespace}", "--output=wide")
        return pods + self.kubectl("get", "events", f"--namespace={namespace}", "--sort-by=.lastTimestamp")

    @contextmanager
    def namespace(self, name: str = "shop", **labels: str) -> Iterator[str]:
        """A new namespace; its deletion is begun, not awaited, when the block ends."""
        unique = f"{name}-{uuid.uuid4().hex[:6]}"
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": unique, "labels": labels}})
        try:
            # Pods are refused until the controller has made the namespace's account.
            self.wait_for("serviceaccount/default", ".metadata.name", "default", namespace=unique)
            yield unique
        finally:
            self.kubectl("delete", "namespace", unique, "--wait=false")
