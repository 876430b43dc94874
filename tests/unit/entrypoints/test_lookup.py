import pytest

from kubernaut.domain.errors import AmbiguousId, UnknownName
from kubernaut.entrypoints.lookup import incident_named
from tests.told import a_healed_one, a_store, a_waiting_one


async def test_the_whole_id_wins_over_longer_ones_that_start_so() -> None:
    store = a_store()
    await a_healed_one(store, number=1)
    await a_waiting_one(store, number=100)
    assert (await incident_named(store, "inc-4f7k01")).id == "inc-4f7k01"


async def test_any_unique_start_is_enough() -> None:
    store = a_store()
    await a_healed_one(store, number=1)
    await a_waiting_one(store, number=20)
    assert (await incident_named(store, "inc-4f7k2")).id == "inc-4f7k20"


async def test_the_start_of_several_names_them() -> None:
    store = a_store()
    for number in range(1, 8):
        await a_healed_one(store, number=number)
    with pytest.raises(AmbiguousId, match="the start of 7 incidents: inc-4f7k07, "):
        await incident_named(store, "inc-")


@pytest.mark.parametrize(
    "start", ["", "\0", "\x1f", "inc-none", "checkout", "INC-4F7K01", "%", "inc-4f7k01" + "x" * 500]
)
async def test_what_starts_no_id_is_said_and_never_guessed(start: str) -> None:
    store = a_store()
    await a_healed_one(store, number=1)
    with pytest.raises(UnknownName, match="no incident") as refused:
        await incident_named(store, start)
    assert len(str(refused.value)) < 120
