"""One folder an action. A new action is a new folder here and nothing else."""
