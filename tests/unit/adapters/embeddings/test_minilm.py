import asyncio
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.embeddings.minilm import MiniLMEmbedder
from kubernaut.adapters.embeddings.onnx_weights import read_weights
from kubernaut.ports import Embedder

# What was written first, and the same said by somebody else.
SAID_TWICE = {
    "Container was OOM killed, its memory limit is too low": "the process ran out of RAM and the kernel ended it",
    "Image not found in the registry: no such tag": "nodes cannot download the container, that version is absent",
    "Pods cannot be scheduled, no node matches the selector": "nothing in the fleet carries the label it asks for",
    "Readiness probe asks the wrong port": "health check hits a port where nobody listens, endpoint never comes up",
    "The Deployment was scaled to zero replicas": "somebody set the number of instances to none",
    "Service selector matches no pods": "traffic has nowhere to go, the labels of the service and its backends differ",
    "The referenced ConfigMap does not exist": "configuration file that should be mounted is missing",
    "Password for the registry was refused": "no credentials to fetch a private image: unauthorized",
    "Node stopped reporting and is not ready": "machine is gone, its agent has not been heard of for minutes",
    "Namespace quota is used up, pods are rejected": "limit of total cpu for the team has been exceeded",
    "Container exits with an error right after the new release": "since the last rollout the app crashes on start",
    "Certificate expired yesterday": "TLS handshake fails, the validity date has passed",
}
UNRELATED = [
    "Invoice for October was sent",
    "A cat sleeps on the keyboard",
    "The meeting moved to Tuesday",
    "Nice soup",
]


async def hits(embedder: Embedder) -> int:
    stored: npt.NDArray[np.float64] = np.array(await embedder.embed([*SAID_TWICE, *UNRELATED]))
    asked = np.array(await embedder.embed(list(SAID_TWICE.values())))
    return int((np.argmax(asked @ stored.T, axis=1) == np.arange(len(SAID_TWICE))).sum())


async def test_two_thirds_of_the_paraphrases_are_found_again_by_meaning() -> None:
    assert await hits(MiniLMEmbedder()) >= 8


async def test_the_last_resort_finds_fewer_paraphrases_than_the_model() -> None:
    assert await hits(HashedEmbedder()) < await hits(MiniLMEmbedder())


async def test_vectors_are_those_of_the_reference_run_time() -> None:
    vectors = await MiniLMEmbedder().embed(["The container was killed because it ran out of memory.", "x"])

    # Printed by onnxruntime 1.32 for the same file.
    assert vectors[0][:5] == pytest.approx([0.08213, 0.0956, -0.02642, 0.01438, 0.1258], abs=1e-5)
    assert vectors[1][:5] == pytest.approx([-0.10021, -0.0689, -0.02624, -0.04776, 0.02023], abs=1e-5)


async def test_texts_embedded_at_the_same_time_do_not_disturb_each_other() -> None:
    embedder = MiniLMEmbedder()
    texts = list(SAID_TWICE)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(embedder.embed([text])) for text in texts]

    assert [task.result()[0] for task in tasks] == await embedder.embed(texts)


def test_a_model_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    changed = tmp_path / "model.onnx"
    changed.write_bytes(b"\x08\x0a" * 100)

    with pytest.raises(ValueError, match="not the pinned model"):
        read_weights(changed, sha256="0" * 64)
