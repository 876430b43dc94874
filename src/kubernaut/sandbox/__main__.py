"""`python -m kubernaut.sandbox`: the sandbox alone, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from datetime import timedelta

from kubernaut.domain.errors import PortTaken
from kubernaut.sandbox import AlertPolicy, Sandbox
from kubernaut.sandbox.scenarios.system import prepare_system


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m kubernaut.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on the loopback address; 0 takes a free one")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster than the wall its clock runs")
    parser.add_argument("--nodes", type=int, default=3, help="number of nodes")
    parser.add_argument("--empty", action="store_true", help="without the example system")
    parser.add_argument("--alerts-to", default="", metavar="URL", help="send alerts to this webhook")
    parser.add_argument("--hold-s", type=float, help="longest `for` of an alert, in seconds of the sandbox")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    hold = None if arguments.hold_s is None else timedelta(seconds=arguments.hold_s)
    alerts = AlertPolicy(arguments.alerts_to, hold=hold) if arguments.alerts_to else None
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Sandbox(speed=arguments.speed, port=arguments.port, nodes=arguments.nodes, alerts=alerts) as sandbox:
        if not arguments.empty:
            prepare_system(sandbox.universe)
        sys.stdout.write(f"serving   {sandbox.url}\nkubeconfig {sandbox.kubeconfig()}\n")
        sys.stdout.write(f"try       kubectl --kubeconfig {sandbox.kubeconfig()} get pods -A\n")
        sys.stdout.flush()
        await stop.wait()
    sys.stdout.write("stopped\n")


def main() -> int:
    """The exit code: 0 after Ctrl-C, 1 where the port is taken."""
    arguments = _arguments()
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_serve(arguments))
        except PortTaken as error:
            sys.stderr.write(f"{error}; {error.help}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
