"""The database opened beside the service, for commands that only read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kubernaut.adapters.store import Store, open_store
from kubernaut.adapters.store.opening import database_url
from kubernaut.domain.errors import StoreUnavailable
from kubernaut.settings import Settings


@contextmanager
def opened_records(settings: Settings) -> Iterator[Store]:
    """The store of the settings.

    A SQLite file that is not there is not made: an empty log would look like a whole one.
    """
    url = database_url(settings.store.url)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        raise StoreUnavailable(
            f"there is no database at {url.database}", help="set KUBERNAUT_STORE__URL, or name a file with --config"
        )
    store = open_store(settings.store.url)
    try:
        yield store
    finally:
        store.close()
