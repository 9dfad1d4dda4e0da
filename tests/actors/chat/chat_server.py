"""A chat endpoint on loopback whose every byte a test decides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Received:
    """One request, and the connection to answer it on."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    connection: int

    async def head(
        self, status: str = "200 OK", kind: str = "text/event-stream", **more: str
    ) -> None:
        """Send the head of a chunked response."""
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Transfer-Encoding: chunked"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await self.writer.drain()

    async def send(self, data: bytes) -> None:
        """Send one chunk."""
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self.writer.drain()

    async def event(self, **choice: Any) -> None:
        """Send a chunk of an answer as an event."""
        said = {"object": "chat.completion.chunk", "choices": [{"index": 0, **choice}]}
        await self.send(f"data: {json.dumps(said)}\n\n".encode())

    async def text(self, text: str) -> None:
        """Send more text."""
        await self.event(delta={"content": text}, finish_reason=None)

    async def end(self, reason: str = "stop") -> None:
        """Complete the answer and the response."""
        await self.event(delta={}, finish_reason=reason)
        usage = {"prompt_tokens": 4, "completion_tokens": 2}
        await self.send(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode())
        await self.send(b"data: [DONE]\n\n")
        await self.close_response()

    async def close_response(self) -> None:
        """Complete the response in order."""
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def whole(self, status: str, kind: str, body: bytes, **more: str) -> None:
        """Send a response with a length."""
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        await self.writer.drain()

    async def left(self) -> None:
        """Return once the client has closed the connection."""
        assert await self.reader.read(1) == b""


@dataclass
class ChatServer:
    """Hands each request to `answer`; what that returns from is done."""

    answer: Callable[[Received], Awaitable[None]]
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for request in self.received:
            request.writer.close()
        await self._server.wait_closed()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.wait(others)

    @property
    def base_url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                pairs = (line.partition(": ") for line in lines if line)
                headers = {name.lower(): value for name, _, value in pairs}
                body = json.loads(await reader.readexactly(int(headers["content-length"])))
                path = first.split(" ")[1]
                request = Received(path, headers, body, reader, writer, number)
                self.received.append(request)
                await self.answer(request)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
