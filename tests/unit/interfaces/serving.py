"""A server in this process on a store of its own, and what asks it: HTTP without a socket, MCP clients."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
from starlette.types import ASGIApp

from lignin.app import load_settings, open_context
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.verify import Verifier
from lignin.interfaces.calls import Calls
from lignin.interfaces.http.serve import load_token, make_app
from lignin.operations.context import Context, Serving
from lignin.operations.registry import load_operations
from lignin.testing.fakes.sandbox import ProcessSandbox

OPERATIONS = load_operations()
CODE = 'def double(number: int) -> int:\n    """Double a number."""\n    return number * 2\n'
EXAMPLES = [{"arguments": {"number": n}, "result": 2 * n} for n in (1, 3, 4, 7, 11, 20)]
DOUBLE = {"files": {"double.py": CODE}, "examples": EXAMPLES}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


@dataclass
class Served:
    """A served store."""

    context: Context
    calls: Calls
    serving: Serving
    app: ASGIApp
    token: str

    def ask(
        self, method: str, path: str, *, shown: bool = True, headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Answer:  # fmt: skip
        """One request, with the token unless told otherwise."""
        said = {"host": "localhost", **(headers or {})}
        if shown:
            said.setdefault("authorization", f"Bearer {self.token}")

        async def send() -> Answer:
            transport = httpx2.ASGITransport(app=self.app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
                got = await http.request(method, path, headers=said, **more)
                return Answer(got.status_code, dict(got.headers), got.text)

        return asyncio.run(send())

    def get(self, operation: str, /, **query: Any) -> Answer:
        """An operation that reads."""
        return self.ask("GET", path_of(operation), params=query)

    def post(self, operation: str, /, **request: Any) -> Answer:
        """An operation that does more."""
        return self.ask("POST", path_of(operation), json=request)

    def decide(self, operation: str, /, **request: Any) -> None:
        """An operation that governs, by the person at the machine."""
        found = OPERATIONS[operation]
        found.run(self.context, found.request.model_validate(request))


def path_of(name: str) -> str:
    """The path of an operation."""
    return f"/api/v1/{name.replace('.', '/')}"


@contextmanager
def serving_store(
    folder: Path,
    sandbox: ProcessSandbox,
    serving: Serving | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """A server on the store in a folder."""
    settings = load_settings(
        {
            "LIGNIN_HOME": str(folder / "lignin"),
            "HOME": str(folder / "home"),
            "LIGNIN_ACTOR": "user:tester",
            **(environment or {}),
        },
        folder,
    )
    checks = load_plugins("lignin.artifacts.checks", "CHECK")
    verifier = Verifier(sandbox, checks.values(), load_kinds(), scanners=())

    def placed(context: Context) -> Context:
        return replace(context, open_sandbox=lambda: sandbox, open_verifier=lambda: verifier)

    @contextmanager
    def open_copy() -> Iterator[Context]:
        with open_context(settings, dry_run=True) as copy:
            yield placed(copy)

    serving = serving or Serving()
    with open_context(settings) as context:
        made = placed(context)
        app = make_app(made, serving, open_copy, "127.0.0.1")
        yield Served(made, Calls(made, open_copy), serving, app, load_token(made.home))


def with_client(served: Served, work: Callable[[Any], Awaitable[Any]], **options: Any) -> Any:
    """Do something with a fastmcp client that is connected to the server in this process."""
    from fastmcp import Client

    from lignin.interfaces.mcp.server import make_server

    server = make_server(OPERATIONS, served.calls, served.serving)

    async def run() -> Any:
        async with Client(server, **options) as client:
            return await work(client)

    return asyncio.run(run())
