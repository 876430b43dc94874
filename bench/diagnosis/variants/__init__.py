"""The rows of the fault catalogue as they occur beside their plain form, by families; importing this declares them all.

Each differs from the plain form in where the fault is (a second container, a first step, another kind, another
namespace), in how much of it fails, in what came before, or in what the alert names.
The controls look ill and are well.
"""

from bench.diagnosis.variants import (
    admission,
    configuration,
    further,
    histories,
    placing,
    routing,
    running,
    starting,
    wellness,
)

__all__ = [
    "admission",
    "configuration",
    "further",
    "histories",
    "placing",
    "routing",
    "running",
    "starting",
    "wellness",
]
