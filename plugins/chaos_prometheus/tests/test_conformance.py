"""The reporters keep what every run relies on."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chaos_prometheus import prometheus, prometheus_pushgateway, prometheus_textfile
from chaoscore.testing import check_reporter


def test_the_page_conforms() -> None:
    """It shows every run, changes nothing, harms nobody and leaves nothing behind."""
    check_reporter(lambda: prometheus(0), wrong=[{"address": "x"}, {"linger": -1}, {"limit": 0}])


def test_the_textfile_conforms() -> None:
    """The same, and it admits what cannot be written."""
    wrong: list[dict[str, Any]] = [{"path": "run.txt"}, {"path": "x.prom", "every": 0}]
    check_reporter(prometheus_textfile, wrong=wrong, name="report.prom")


class _Taking(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def gateway() -> Iterator[str]:
    """Takes whatever is pushed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taking)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


def test_the_pushgateway_conforms(gateway: str) -> None:
    """The same for what is pushed."""
    check_reporter(lambda: prometheus_pushgateway(gateway), wrong=[{"url": "h"}, {"url": "http://h", "job": "/"}])
