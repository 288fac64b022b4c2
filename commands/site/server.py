"""Serving a site on this machine alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


class _Quiet(SimpleHTTPRequestHandler):
    """Serves the files of one folder and says nothing of each."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def serve(folder: Path, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve a folder on 127.0.0.1 until Ctrl-C.

    Args:
        folder: The site.
        port: 0 for one that is free.
        on_ready: Called with the address.

    Raises:
        OSError: If the port is taken.
    """
    with ThreadingHTTPServer((HOST, port), partial(_Quiet, directory=str(folder))) as server:
        server.daemon_threads = True
        on_ready(f"http://{HOST}:{server.server_address[1]}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
