"""The linear algebra under numpy, made fit for a process that does other things as well."""

from __future__ import annotations

from functools import cache

from threadpoolctl import threadpool_limits


@cache
def use_one_thread() -> None:
    """Lets matrix products run in the calling thread alone, once for the process.

    Its own threads wait for each other in busy loops: on two busy cores an embedding took 210 ms with them and 30 ms
    without, and the event loop starves meanwhile.
    """
    threadpool_limits(limits=1, user_api="blas")
