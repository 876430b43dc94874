from hypothesis import settings

from tests.postgres import postgres_cluster, postgres_url, vector_url
from tests.weaviate_server import weaviate

__all__ = ["postgres_cluster", "postgres_url", "vector_url", "weaviate"]

# How long an example takes says more about the machine than about the program.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")
