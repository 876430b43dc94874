"""Durable execution: runs that survive their process."""

from kubernaut.engine.run import Engine, Run, RunState, RunStatus, Workflow

__all__ = ["Engine", "Run", "RunState", "RunStatus", "Workflow"]
