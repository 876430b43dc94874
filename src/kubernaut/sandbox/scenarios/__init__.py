"""Faults and controls: each a plain write that a person would do, or something that happens in the hidden world."""

from kubernaut.sandbox.scenarios.catalogue import SCENARIOS, find_scenario
from kubernaut.sandbox.scenarios.scenario import Scenario
from kubernaut.sandbox.scenarios.system import prepare_system

__all__ = ["SCENARIOS", "Scenario", "find_scenario", "prepare_system"]
