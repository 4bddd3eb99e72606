"""A Prefect server of our own for `outcomes serve`, on loopback, for as long as the schedule is kept.

Prefect's temporary server runs flows but schedules none. Imports nothing of Prefect: the address must be known before it is imported.
"""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

HOST = "127.0.0.1"
STARTS_WITHIN_S = 180


class ServerError(Exception):
    """The server did not start."""


@contextmanager
def running(port: int) -> Iterator[str]:
    """The address of a server: the one that PREFECT_API_URL names, else one started here and stopped at the end. Raises ServerError."""
    if named := os.environ.get("PREFECT_API_URL"):
        yield named
        return
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        address = f"http://{HOST}:{port}/api"
        _wait(server, f"{address}/health")
        os.environ["PREFECT_API_URL"] = address
        yield address
    finally:
        server.terminate()
        server.wait()


def _wait(server: "subprocess.Popen[bytes]", health: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise ServerError("the Prefect server ended at once; is its port in use? name another in [schedule] port")
        try:
            with urllib.request.urlopen(health, timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise ServerError("the Prefect server did not answer in time")
