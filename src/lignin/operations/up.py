"""Serve what this store needs served, until interrupted: its writer, and telemetry that comes in."""

from contextlib import ExitStack

from pydantic import Field

from lignin.operations.context import Context, Serving
from lignin.operations.registry import Request, Response, operation


class Up(Request):
    otlp: str | None = Field(
        None,
        description="also take OpenTelemetry in over HTTP: HOST:PORT, PORT or `default` (4318)",
    )
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
        False, description="MCP tools that decide what others are served are there too"
    )
    every: bool = Field(False, description="every operation is an MCP tool, not only the few")


class Stopped(Response):
    address: str = Field(description="the socket that was served")
    otlp: str | None = Field(None, description="where telemetry was taken in")
    http: str | None = Field(None, description="where operations were served over HTTP")


@operation("up", effect="execute", remote=False)
def up(context: Context, request: Up) -> Stopped:
    """Serve the resident writer of this store until interrupted (Ctrl-C).

    Other processes find it by themselves and commit through it, many times faster where many write
    at once; without it they commit on their own. With `--otlp` it takes traces, logs and metrics in
    from any exporter of OpenTelemetry (protobuf or JSON), Claude Code's and Codex's own among them.
    With `--http` it also serves every operation, MCP and telemetry on one port; the token is in
    `http.token` in the data folder, made the first time.
    """
    if context.dry_run:
        return Stopped(address="", otlp=None, http=None)
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
        return Stopped(
            address=_serve(context, required=otlp is None and http is None), otlp=otlp, http=http
        )


def _address(said: str) -> str:
    return "" if said == "default" else said


def _serve(context: Context, *, required: bool = True) -> str:
    served: list[str] = []

    def ready(address: str) -> None:
        served.append(address)
        context.progress(f"serving {address}", 0, None)

    context.store.serve_writer(ready, required=required)
    return served[0] if served else ""
