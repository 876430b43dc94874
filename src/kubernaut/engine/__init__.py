"""Durable execution: runs that survive their process.

Import `DurableEngine` from `kubernaut.engine.durable`: it loads DBOS, which takes a second that commands without a
pipeline should not wait for.
"""

from kubernaut.engine.run import Engine, Run, RunState, RunStatus, Workflow

__all__ = ["Engine", "Run", "RunState", "RunStatus", "Workflow"]
