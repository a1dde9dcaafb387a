"""Points at which tests kill the process, as a power cut would."""

from __future__ import annotations

import os
import signal


def failpoint(name: str) -> None:
    """Kill this process, without any clean-up, if the variable TAMIS_FAILPOINT names this point."""
    if os.environ.get("TAMIS_FAILPOINT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
