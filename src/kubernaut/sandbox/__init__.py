"""A simulated cluster that serves the Kubernetes REST protocol on the loopback address."""

from kubernaut.sandbox.alerting.rules import AlertPolicy
from kubernaut.sandbox.server import Sandbox, ThreadedSandbox

__all__ = ["AlertPolicy", "Sandbox", "ThreadedSandbox"]
