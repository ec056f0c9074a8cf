"""Serve what this store needs served, until interrupted: its writer, its jobs, telemetry that comes in."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pydantic import Field

from lignin.domain.errors import LigninError, UnavailableError
from lignin.operations.context import Context, Serving
from lignin.operations.registry import Response, operation
from lignin.operations.worker import WorkerOptions, shift_of, told_ready
from lignin.operations.working import Working, work


class Up(WorkerOptions):
    otlp: str | None = Field(
        None,
        description="also take OpenTelemetry in over HTTP: HOST:PORT, PORT or `default` (4318)",
    )
    jobs: bool = Field(True, description="take jobs, as `lignin worker` does")
    http: str | None = Field(
        None,
        description="also serve every operation, MCP and telemetry over HTTP: HOST:PORT, PORT or "
        "`default` (4320)",
    )
    token: bool = Field(
        True,
        description="who asks over HTTP shows the token; without it, on this machine only, what "
        "reads and writes is open and what runs code or decides is not",
    )
    govern: bool = Field(
        False,
        description="over HTTP and MCP one may also decide what others are served, with the token "
        "in http-govern.token",
    )
    every: bool = Field(False, description="every operation is an MCP tool, not only the few")


class Stopped(Response):
    address: str = Field(description="the socket that was served")
    otlp: str | None = Field(default=None, description="where telemetry was taken in")
    http: str | None = Field(default=None, description="where operations were served over HTTP")
    worker: str = Field(default="", description="the worker that took jobs; empty where none did")


@operation("up", effect="execute", remote=False)
def up(context: Context, request: Up) -> Stopped:
    """Serve this store until interrupted (Ctrl-C): its resident writer, and its jobs in one worker.

    Other processes find the writer by themselves and commit through it, many times faster where many
    write at once; without it they commit on their own. With `--otlp` it takes traces, logs and metrics
    in from any exporter of OpenTelemetry (protobuf or JSON), Claude Code's and Codex's own among them.
    With `--http` it also serves every operation, MCP and telemetry on one port; the token is in
    `http.token` in the data folder, made the first time. It decides nothing that others are served:
    that takes `--govern` and the token in `http-govern.token`, which is for people and not for agents.
    """
    if context.dry_run:
        return Stopped(address="")
    context.store.require_no_writer()  # before anything is served, and said to be
    otlp = http = None
    with ExitStack() as stack:
        if request.otlp is not None:
            otlp = stack.enter_context(context.listen(context, _address(request.otlp)))
            context.progress(f"taking telemetry in at {otlp}", 0, None)
        if request.http is not None:
            serving = Serving(
                address=_address(request.http),
                token=request.token,
                govern=request.govern,
                every=request.every,
            )
            http = stack.enter_context(context.serve_http(context, serving))
            context.progress(f"serving HTTP at {http}", 0, None)
        worker = stack.enter_context(_jobs(context, request))
        served = _serve(context, required=not (otlp or http or worker))
        return Stopped(address=served, otlp=otlp, http=http, worker=worker)


def _address(said: str) -> str:
    return "" if said == "default" else said


@contextmanager
def _jobs(context: Context, request: Up) -> Iterator[str]:
    """Take jobs on a thread of its own while a block lasts; gives the worker's id, "" without one."""
    if not request.jobs:
        yield ""
        return
    try:
        context.open_engine()
    except UnavailableError as error:
        context.progress(f"no jobs are taken: {error.message} ({error.hint})", 0, None)
        yield ""
        return
    stop, begun = threading.Event(), threading.Event()
    names: list[str] = []

    def ready(made: Working) -> None:
        names.append(made.name)
        told_ready(context, made)
        begun.set()

    def serve() -> None:
        try:
            work(context, shift_of(request), stop, ready=ready)
        except LigninError as error:
            context.progress(f"no jobs are taken: {error.message} ({error.hint})", 0, None)
        finally:
            begun.set()

    thread = threading.Thread(target=serve, name="worker")
    thread.start()
    begun.wait()
    try:
        yield names[0] if names else ""
    finally:
        stop.set()
        thread.join()


def _serve(context: Context, *, required: bool = True) -> str:
    served: list[str] = []

    def ready(address: str) -> None:
        served.append(address)
        context.progress(f"serving {address}", 0, None)

    context.store.serve_writer(ready, required=required)
    return served[0] if served else ""
