"""The REST protocol of the API server over ASGI."""
