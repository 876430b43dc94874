import gc

from hypothesis import settings

from tests.postgres import empty_database, postgres_cluster, postgres_url, shared_database, vector_url
from tests.weaviate_server import weaviate

__all__ = ["empty_database", "postgres_cluster", "postgres_url", "shared_database", "vector_url", "weaviate"]

# How long an example takes says more about the machine than about the program.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end: the collector need not walk over them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
