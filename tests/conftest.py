from tests.postgres import postgres_cluster, postgres_url, vector_url
from tests.weaviate_server import weaviate

__all__ = ["postgres_cluster", "postgres_url", "vector_url", "weaviate"]
