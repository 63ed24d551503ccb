"""A real Prometheus server, and promtool: those on PATH, else Debian's package, unpacked without being root."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import attrs

from tests.services import child
from tests.services.postgres import ATTEMPTS, UnavailableError, private_folder

T = TypeVar("T")

FETCH_S = 120.0
WAIT_S = 60.0
"""Seconds within which a scrape every second is sure to have happened, however busy the machine is."""

CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{folder}/rules/*.yml"]
scrape_configs:
  - job_name: chaoscore
    honor_labels: true
    file_sd_configs: [{{files: ["{folder}/targets/*.json"], refresh_interval: 1s}}]
"""


@attrs.frozen
class Prometheus:
    """
    A server that runs.

    Attributes:
        url: Where it answers.
        pid: Of the process.
        folder: Where it keeps what it has; it looks for targets in ``targets`` and for rules in ``rules``.
    """

    url: str
    pid: int
    folder: Path

    def ask(self, path: str, **parameters: object) -> Any:
        """Ask its HTTP API; returns the data of the answer."""
        answer = json.loads(get(f"{self.url}/api/v1/{path}?{urlencode(parameters)}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str, at: float | None = None) -> dict[tuple[tuple[str, str], ...], float]:
        """Evaluate *expression* now, or *at* seconds since 1970; returns labels, sorted, with values."""
        data = self.ask("query", query=expression, **({} if at is None else {"time": at}))
        if data["resultType"] == "scalar":
            return {(): float(data["result"][1])}
        return {tuple(sorted(each["metric"].items())): float(each["value"][1]) for each in data["result"]}

    def value(self, expression: str, at: float | None = None) -> float:
        """Evaluate *expression*, which has one value."""
        [value] = self.query(expression, at).values()
        return value

    @contextmanager
    def scraping(self, address: str, **labels: str) -> Iterator[None]:
        """Let it scrape *address*, every second from the beginning of the block on; *labels* stand beside its own."""
        file = self.folder / "targets" / f"{address.replace(':', '-')}.json"
        temporary = file.with_suffix(".tmp")
        temporary.write_text(json.dumps([{"targets": [address], "labels": labels}]))
        temporary.chmod(0o644)
        temporary.rename(file)
        try:
            eventually(lambda: address in self._targets())  # it looks for new ones every five seconds
            yield
        finally:
            file.unlink()

    def _targets(self) -> set[str]:
        return {each["labels"]["instance"] for each in self.ask("targets", state="active")["activeTargets"]}

    def reload(self) -> None:
        """Let it read its rules again."""
        os.kill(self.pid, signal.SIGHUP)


def eventually(look: Callable[[], T | None], seconds: float = WAIT_S) -> T:
    """Return what *look* returns as soon as that is something; fails after *seconds*."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"still {found!r} after {seconds:g} s")
        time.sleep(0.05)


def get(url: str, **headers: str) -> str:
    """Fetch *url*, whatever proxy the environment speaks of."""
    request = Request(url, headers=headers)
    with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


@contextmanager
def prometheus() -> Iterator[Prometheus]:
    """
    Run a server of one's own on 127.0.0.1; nothing is left of it afterwards.

    Raises:
        UnavailableError: There is none on this machine, and none to be had.
    """
    program = find_program("prometheus")
    with private_folder("prometheus") as folder:
        for name in ("targets", "rules", "data"):
            (folder / name).mkdir()
            own(folder / name)
        program = for_servers(program, folder)
        configuration = folder / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(folder=folder))
        own(configuration)
        for attempt in range(1, ATTEMPTS + 1):
            address = f"127.0.0.1:{child.free_port()}"
            arguments: list[str | Path] = [
                program, f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}", "--enable-feature=exemplar-storage", "--log.level=warn",
            ]  # fmt: skip
            try:
                with child.server(arguments, folder, partial(answers, address), signal.SIGTERM) as process:
                    yield Prometheus(f"http://{address}", process.pid, folder)
                return
            except child.NotStartedError:
                if attempt == ATTEMPTS:
                    raise


def for_servers(program: Path, folder: Path) -> Path:
    """Return *program*, or a copy in *folder* where the user that servers run as cannot reach it."""
    return program if child.reachable(program) else Path(shutil.copy2(program, folder))


def own(path: Path) -> None:
    """Give *path* to the user that servers run as."""
    uid = child.unprivileged()
    if uid is not None:
        os.chown(path, uid, uid)


def answers(address: str) -> bool:
    """Tell whether a server is ready there."""
    try:
        return bool(get(f"http://{address}/-/ready"))
    except (URLError, OSError):
        return False


def promtool(*arguments: str | Path, stdin: str = "", folder: Path | None = None) -> str:
    """Run promtool and return what it says; fails where it finds something to complain about, style included."""
    done = subprocess.run(
        [find_program("promtool"), *arguments],
        input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def find_program(name: str, package: str = "prometheus") -> Path:
    """
    The program on PATH, else out of Debian's *package*.

    Raises:
        UnavailableError: Neither is there.
    """
    on_path = shutil.which(name)
    return Path(on_path) if on_path is not None else fetched(package) / "usr" / "bin" / name


def fetched(package: str) -> Path:
    """The folder in the user's cache with Debian's *package* in it, fetched and unpacked where it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chaoscore-tests"
    home = cache / package
    if not home.exists():
        if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
            raise UnavailableError(f"no {package}: install it, so that it is on PATH")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            _run("apt-get", "download", "--quiet", package, folder=Path(scratch))
            _run("dpkg", "-x", *map(str, Path(scratch).glob("*.deb")), "unpacked", folder=Path(scratch))
            try:
                (Path(scratch) / "unpacked").rename(home)
            except OSError:  # another session was quicker, perhaps
                if not home.exists():
                    raise
    return home


def _run(*command: str, folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=FETCH_S)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1:]
        reason = f"not on PATH, and `{' '.join(command)}` failed: {' '.join(said)}"
        raise UnavailableError(reason) from error
