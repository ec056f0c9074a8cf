"""Starts a real Postgres server for the tests, in a folder of its own, and ends it again.

The server listens on a unix socket only, in a folder that nobody else may enter, so that it needs
no password and takes no port. `fsync` stays on: durability is among what the tests measure.
Postgres refuses to run as root; there it runs as `postgres`, or as `nobody`.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
_PLACES = ("usr/lib/postgresql/*/bin", "usr/local/bin", "usr/local/pgsql/bin")
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


class ServerError(Exception):
    """The server did not start; the message has the end of what it logged."""


def find_programs() -> Path | None:
    """Return the newest folder that has `initdb` and `postgres`, or None."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    for pattern in _PLACES:
        folders += sorted(Path("/").glob(pattern), key=_version, reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def _server_account() -> dict[str, object]:
    """The `subprocess` arguments that run a program as somebody who is not root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def running_server(programs: Path) -> Iterator[str]:
    """Run a server as long as the block lasts and yield the URL of its `postgres` database.

    Raises:
        ServerError: `initdb` failed or the server ended or kept silent at its start.
    """
    with restartable_server(programs) as (url, _restart):
        yield url


@contextmanager
def restartable_server(programs: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """As `running_server`, with a function that stops the server as a crash would and starts it again.

    Raises:
        ServerError: `initdb` failed or the server ended or kept silent at its start.
    """
    # A socket's path has at most 107 bytes, and the server's account must be able to walk there,
    # so the folder is not one of pytest's.
    folder = Path(tempfile.mkdtemp(prefix="lignin-pg-"))
    account = _server_account()
    try:
        if account:
            os.chown(folder, int(str(account["user"])), int(str(account["group"])))
        _initialise(programs, folder, account)
        servers = [_start(programs, folder, account)]

        def restart() -> None:
            servers[-1].send_signal(signal.SIGQUIT)  # Postgres's immediate shutdown
            servers[-1].wait(STOP_TIMEOUT_S)
            servers.append(_start(programs, folder, account))
            _wait_ready(servers[-1], folder)

        try:
            _wait_ready(servers[-1], folder)
            yield f"postgresql://postgres@/postgres?host={quote(str(folder))}", restart
        finally:
            _stop(servers[-1])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(programs: Path, folder: Path, account: dict[str, object]) -> None:
    command = [programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust"]
    command += ["--no-sync", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    try:
        done = subprocess.run(  # type: ignore[call-overload]
            command, cwd=folder, capture_output=True, text=True, check=False, **account
        )
    except OSError as error:
        raise ServerError(f"initdb cannot be run: {error}") from error
    if done.returncode != 0:
        raise ServerError(f"initdb failed: {done.stderr[-500:]}")


def _start(programs: Path, folder: Path, account: dict[str, object]) -> "subprocess.Popen[bytes]":
    settings = _SETTINGS | {"unix_socket_directories": str(folder)}
    # Ends the server also where the test run is killed and ends nothing itself.
    setpriv = shutil.which("setpriv")
    command = [setpriv, "--pdeathsig", "INT"] if setpriv else []
    command += [str(programs / "postgres"), "-D", str(folder / "data")]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **account,
        )


def _wait_ready(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    status = folder / "data" / "postmaster.pid"
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        # The file's eighth line says `ready` once connections are taken.
        if status.exists() and "ready" in status.read_text().split():
            return
        time.sleep(0.02)
    log = (folder / "log").read_text(errors="replace")
    raise ServerError(f"the server did not start: {log[-500:]}")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGINT)  # Postgres's fast shutdown
    try:
        server.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait(STOP_TIMEOUT_S)
