"""The service of the soak, as a process that can be killed: `python -m …readiness.soaked_service SETTINGS`.

Runs what `kubernaut serve` runs. The settings are an argument, so that nothing of the environment, such as the address
of a database that is in use, gets into the soak.
"""

from __future__ import annotations

import json
import sys

from kubernaut.entrypoints.composition import Program
from kubernaut.entrypoints.http.listening import listen
from kubernaut.settings import Settings


def main() -> None:
    """Serves until it is told to stop."""
    settings = Settings.model_validate(json.loads(sys.argv[1]))
    Program().serve(settings, listen(settings.http.host, settings.http.port), lambda: None)


if __name__ == "__main__":
    main()
