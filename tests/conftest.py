from tests.postgres import postgres_cluster, postgres_url, vector_url

__all__ = ["postgres_cluster", "postgres_url", "vector_url"]
