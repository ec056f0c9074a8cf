"""Serve what this store needs served, until interrupted: its writer, its jobs, telemetry that comes in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import Field

from lignin.domain.errors import LigninError, UnavailableError
from lignin.operations.context import Context
from lignin.operations.registry import Response, operation
from lignin.operations.worker import WorkerOptions, shift_of, told_ready
from lignin.operations.working import Working, work


class Up(WorkerOptions):
    otlp: str | None = Field(
        None,
        description="also take OpenTelemetry in over HTTP: HOST:PORT, PORT or `default` (4318)",
    )
    jobs: bool = Field(True, description="take jobs, as `lignin worker` does")


class Stopped(Response):
    address: str = Field(description="the socket that was served")
    otlp: str | None = Field(default=None, description="where telemetry was taken in")
    worker: str = Field(default="", description="the worker that took jobs; empty where none did")


@operation("up", effect="execute")
def up(context: Context, request: Up) -> Stopped:
    """Serve this store until interrupted (Ctrl-C): its resident writer, and its jobs in one worker.

    Other processes find the writer by themselves and commit through it, many times faster where many
    write at once; without it they commit on their own. With `--otlp` it takes traces, logs and metrics
    in from any exporter of OpenTelemetry (protobuf or JSON), Claude Code's and Codex's own among them.
    """
    if context.dry_run:
        return Stopped(address="", otlp=None)
    if request.otlp is None:
        with _jobs(context, request) as worker:
            return Stopped(address=_serve(context, required=not worker), worker=worker)
    with context.listen(context, "" if request.otlp == "default" else request.otlp) as address:
        context.progress(f"taking telemetry in at {address}", 0, None)
        with _jobs(context, request) as worker:
            served = _serve(context, required=False)
            return Stopped(address=served, otlp=address, worker=worker)


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
