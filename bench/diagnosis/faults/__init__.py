"""The faults, by the sections of the fault catalogue; importing this package declares them all."""

from bench.diagnosis.faults import (
    admission,
    dependencies,
    measured,
    nodes,
    routing,
    runtime,
    scheduling,
    startup,
    storage,
    told,
)

__all__ = [
    "admission",
    "dependencies",
    "measured",
    "nodes",
    "routing",
    "runtime",
    "scheduling",
    "startup",
    "storage",
    "told",
]
