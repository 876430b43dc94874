from __future__ import annotations

from kubernaut.ports import Suspension
from tests.contract.conftest import Stores
from tests.examples import NOON


async def test_nothing_is_suspended_at_first(stores: Stores) -> None:
    assert await stores.switch.suspension() is None


async def test_a_suspension_is_in_force_until_actions_are_resumed(stores: Stores) -> None:
    suspension = Suspension("anna", "maintenance \x00 of the cluster", NOON)

    await stores.switch.suspend(suspension)
    assert await stores.switch.suspension() == suspension

    await stores.switch.resume()
    assert await stores.switch.suspension() is None


async def test_a_later_suspension_takes_the_place_of_the_earlier(stores: Stores) -> None:
    await stores.switch.suspend(Suspension("anna", "first", NOON))
    await stores.switch.suspend(Suspension("ben", "second", NOON))

    assert await stores.switch.suspension() == Suspension("ben", "second", NOON)


async def test_resuming_what_runs_is_fine(stores: Stores) -> None:
    await stores.switch.resume()

    assert await stores.switch.suspension() is None
