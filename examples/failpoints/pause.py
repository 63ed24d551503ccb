"""Hold one customer of a running shop in the middle of buying, over HTTP, while another one buys."""

import json
import os
import secrets
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

HERE = Path(__file__).parent
BETWEEN = "/shop.between"


class Control:
    """The failpoints of a program that was started with CHAOS_FAILPOINTS_HTTP."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.token = secrets.token_urlsafe()

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CHAOS_FAILPOINTS_HTTP": f"127.0.0.1:{self.port}",
            "CHAOS_FAILPOINTS_TOKEN": self.token,
        }

    def ask(self, method: str, path: str, body: str | None = None) -> str:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"X-Chaos-Token": self.token})
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status}: {text}")
        return text


def main() -> int:
    """Return 0 where the shop miscounts, and the locking shop does not."""
    left = {kind: sell_two(kind) for kind in ("Shop", "LockingShop")}
    for kind, stock in left.items():
        print(f"{kind}: 2 of 10 sold, {stock} left{'' if stock == 8 else ': one sale is lost'}")
    return left != {"Shop": 9, "LockingShop": 8}


def sell_two(kind: str) -> int:
    """Return the stock of a shop after two sales, the first of which is held in the middle."""
    control = Control()
    command = [sys.executable, "-m", "chaos_failpoint", str(HERE / "shop.py"), kind]
    with subprocess.Popen(
        command, env=control.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shop:
        assert shop.stdin is not None
        assert shop.stdout is not None
        shop.stdout.readline()
        control.ask("PUT", BETWEEN, "1*pause->1*print(the second sale)")
        print(file=shop.stdin, flush=True)
        control.ask("POST", f"{BETWEEN}/wait?fired=1")
        print(file=shop.stdin, flush=True)
        second_came = "fired" in try_to_wait(control)
        assert json.loads(control.ask("GET", f"{BETWEEN}/status"))["waiting"] == 1
        control.ask("DELETE", BETWEEN)
        shop.stdin.close()
        stock = int(shop.stdout.read())
    print(f"{kind}: while the first sale is held, the second one {'goes on' if second_came else 'has to wait'}")
    return stock


def try_to_wait(control: Control) -> str:
    """Wait for the second sale, which a lock may keep from coming."""
    try:
        return control.ask("POST", f"{BETWEEN}/wait?fired=2&timeout=1s")
    except RuntimeError as late:
        return str(late) if "408" not in str(late) else ""


if __name__ == "__main__":
    sys.exit(main())
