"""The service over HTTP: alerts in, incidents out, health and metrics.

`create_app` takes ports and callables; `listen` and `serve` run what it gives.
"""
