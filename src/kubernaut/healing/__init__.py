"""The parts of an incident's way that take more than one step; `pipeline.py` has them in their order."""
