"""A model of the kubelet: it reads the pod's spec and the hidden applications, and nothing else."""
