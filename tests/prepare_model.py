"""Gets the real model server that some tests use, and says what is left out where it cannot be had.

python -m tests.prepare_model
"""

from __future__ import annotations

import sys

from tests.model_server import NotAvailable, prepare


def main() -> None:
    try:
        prepare()
    except NotAvailable as reason:
        sys.stdout.write(f"machine: left out: tests with a real model: {reason}\n")
    else:
        sys.stdout.write("machine: a model server and its model are here\n")


if __name__ == "__main__":
    main()
