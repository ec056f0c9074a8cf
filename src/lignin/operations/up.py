"""Serve the resident writer of this store until interrupted."""

from pydantic import Field

from lignin.operations.context import Context
from lignin.operations.registry import Request, Response, operation


class Up(Request):
    pass


class Stopped(Response):
    address: str = Field(description="the socket that was served")


@operation("up", effect="execute")
def up(context: Context, request: Up) -> Stopped:  # noqa: ARG001
    """Serve the resident writer of this store until interrupted (Ctrl-C).

    Other processes find it by themselves and commit through it, many times faster where many write
    at once; without it they commit on their own.
    """
    if context.dry_run:
        return Stopped(address="")
    served: list[str] = []

    def ready(address: str) -> None:
        served.append(address)
        context.progress(f"serving {address}", 0, None)

    context.store.serve_writer(ready)
    return Stopped(address=served[0] if served else "")
