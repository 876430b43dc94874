import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.adapters.vectors.matrix import VectorMatrix

NAMES = st.sampled_from([f"inc-{number}" for number in range(12)])
WRITES = st.lists(st.tuples(NAMES, st.integers(0, 2**32 - 1)), max_size=60)


def direction(seed: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    vector = np.random.default_rng(seed).normal(size=6)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@given(WRITES, st.integers(0, 15), st.integers(0, 2**32 - 1))
def test_a_search_gives_what_comparing_with_every_vector_gives(
    writes: list[tuple[str, int]], limit: int, asked: int
) -> None:
    matrix = VectorMatrix(6, capacity=100)
    kept = dict(writes)
    for name, seed in writes:
        matrix.put(name, direction(seed))

    likeness = {name: float(direction(seed) @ direction(asked)) for name, seed in kept.items()}
    found = matrix.nearest(direction(asked), limit)

    assert len(matrix) == len(kept)
    assert len(found) == min(limit, len(kept))
    assert all(abs(value - likeness[name]) < 1e-5 for name, value in found)
    assert sorted((value for _, value in found), reverse=True) == [value for _, value in found]
    left_out = [value for name, value in likeness.items() if name not in dict(found)]
    assert not found or not left_out or max(left_out) <= found[-1][1] + 1e-5


@given(WRITES, st.integers(1, 5))
def test_the_matrix_never_holds_more_than_its_capacity(writes: list[tuple[str, int]], capacity: int) -> None:
    matrix = VectorMatrix(6, capacity=capacity)
    for name, seed in writes:
        matrix.put(name, direction(seed))
        assert name in {found for found, _ in matrix.nearest(direction(seed), capacity)}

    assert len(matrix) <= capacity
