"""A server made with the SDK: `kind_server.py`, or `kind_server.py http` on a port that it prints."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("kind", version="1.2")


@server.tool()
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@server.tool(name="echo-text")
def echo(text: str) -> str:
    """Return the text."""
    return text


@server.tool()
def where(city: str) -> dict[str, Any]:
    """Return a record."""
    return {"city": city, "at": [1.5, 2]}


@server.tool()
def fail() -> str:
    """Fail."""
    raise ToolError("nothing of that")


@server.tool()
def picture() -> Image:
    """Return a picture."""
    return Image(data=b"\x89PNG", format="png")


@server.tool()
async def wait() -> str:
    """Wait for ever."""
    await asyncio.get_running_loop().create_future()
    return "never"


@server.tool()
async def grow(context: Context) -> str:
    """Offer one tool more."""
    server.add_tool(lambda: "new", name="more", description="What is new.")
    await context.session.send_tool_list_changed()
    return "grown"


if __name__ == "__main__":
    if sys.argv[1:] == ["http"]:
        import uvicorn

        listening = socket.create_server(("127.0.0.1", 0))
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(server.streamable_http_app(), log_level="error")
        uvicorn.Server(config).run(sockets=[listening])
    else:
        server.run("stdio")
