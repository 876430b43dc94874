"""One file a cause. A new cause is a new file here and nothing else."""
