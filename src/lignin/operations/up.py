"""Serve what this store needs served, until interrupted: its writer, and telemetry that comes in."""

from pydantic import Field

from lignin.operations.context import Context
from lignin.operations.registry import Request, Response, operation


class Up(Request):
    otlp: str | None = Field(
        None,
        description="also take OpenTelemetry in over HTTP: HOST:PORT, PORT or `default` (4318)",
    )


class Stopped(Response):
    address: str = Field(description="the socket that was served")
    otlp: str | None = Field(None, description="where telemetry was taken in")


@operation("up", effect="execute")
def up(context: Context, request: Up) -> Stopped:
    """Serve the resident writer of this store until interrupted (Ctrl-C).

    Other processes find it by themselves and commit through it, many times faster where many write
    at once; without it they commit on their own. With `--otlp` it takes traces, logs and metrics in
    from any exporter of OpenTelemetry (protobuf or JSON), Claude Code's and Codex's own among them.
    """
    if context.dry_run:
        return Stopped(address="", otlp=None)
    if request.otlp is None:
        return Stopped(address=_serve(context), otlp=None)
    with context.listen(context, "" if request.otlp == "default" else request.otlp) as address:
        context.progress(f"taking telemetry in at {address}", 0, None)
        return Stopped(address=_serve(context, required=False), otlp=address)


def _serve(context: Context, *, required: bool = True) -> str:
    served: list[str] = []

    def ready(address: str) -> None:
        served.append(address)
        context.progress(f"serving {address}", 0, None)

    context.store.serve_writer(ready, required=required)
    return served[0] if served else ""
