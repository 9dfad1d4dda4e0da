"""Tools of servers that speak the Model Context Protocol."""

from __future__ import annotations

from .mcp_server import McpServer
from .records import McpHealth

__all__ = ["McpHealth", "McpServer"]
