"""A server for the conformance suite: our own MCP server with the fixtures that its scenarios call.

    python everything.py PORT

Only the fixtures are test code; transport, eras, host protection and extensions are those of the product.
It asks for no token, as the suite shows none, and listens on this machine.
"""

import base64
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastmcp import Context
from fastmcp.tools import ToolResult
from mcp_types import (
    AudioContent,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)

from lignin.app import load_settings, open_context
from lignin.interfaces.calls import Calls
from lignin.interfaces.mcp.server import PATH, make_server
from lignin.operations.context import Serving
from lignin.operations.registry import load_operations

PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478"
        "9c6360000002000001e221bc330000000049454e44ae426082"
    )
).decode()
WAV = base64.b64encode(
    b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0@\x1f\0\0@\x1f\0\0\1\0\x08\0data\0\0\0\0"
).decode()


def add_fixtures(server: Any) -> None:
    """What the scenarios call by name."""

    @server.tool
    def test_simple_text() -> str:
        """A text."""
        return "This is a simple text response for testing."

    @server.tool
    def test_image_content() -> ToolResult:
        """An image."""
        return ToolResult(content=[ImageContent(type="image", data=PNG, mime_type="image/png")])

    @server.tool
    def test_audio_content() -> ToolResult:
        """A sound."""
        return ToolResult(content=[AudioContent(type="audio", data=WAV, mime_type="audio/wav")])

    def embedded() -> EmbeddedResource:
        return EmbeddedResource(
            type="resource",
            resource=TextResourceContents(
                uri="test://embedded-resource",
                mime_type="text/plain",
                text="This is an embedded resource content.",
            ),
        )

    @server.tool
    def test_embedded_resource() -> ToolResult:
        """A resource in the answer."""
        return ToolResult(content=[embedded()])

    @server.tool
    def test_multiple_content_types() -> ToolResult:
        """Several at once."""
        text = TextContent(type="text", text="Multiple content types test:")
        image = ImageContent(type="image", data=PNG, mime_type="image/png")
        return ToolResult(content=[text, image, embedded()])

    @server.tool
    def test_error_handling() -> str:
        """Always fails."""
        from fastmcp.exceptions import ToolError

        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool
    async def test_tool_with_progress(ctx: Context) -> str:
        """Tells its progress."""
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100, f"step {done}")
        return "done"

    @server.tool
    async def test_elicitation(message: str, ctx: Context) -> str:
        """Asks the person."""
        from pydantic import BaseModel

        class Person(BaseModel):
            username: str
            email: str

        heard = await ctx.elicit(message, Person)
        return f"User response: {heard.action}"

    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """A text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """Bytes."""
        return base64.b64decode(PNG)

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> str:
        """By its id."""
        return f'{{"id": "{id}", "templateTest": true, "data": "Data for ID: {id}"}}'


@contextmanager
def no_copy() -> Any:
    raise AssertionError("no dry run here")
    yield


def main() -> None:
    """Serve until killed."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"LIGNIN_HOME": folder, "HOME": folder}, Path(folder))
        with open_context(settings) as context:
            server = make_server(load_operations(), Calls(context, no_copy), Serving())
            add_fixtures(server)
            app = server.http_app(path=PATH, host_origin_protection=True)
            uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")


if __name__ == "__main__":
    main()
