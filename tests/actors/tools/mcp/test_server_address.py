"""Secrets of remote servers: none over plain http, none in errors and logs."""

from __future__ import annotations

import asyncio
import base64
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.tools import ToolDefinitionError
from passel.actors.tools.mcp import McpServer
from passel.actors.tools.mcp.server_address import ServerAddress
from passel.protocols.errors import SpawnError
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "sk+5ecret=="
BEARER = {"Authorization": f"Bearer {SECRET}"}
FAR = "http://shop.example/mcp"


@pytest.mark.parametrize(
    ("url", "headers", "says"),
    [
        (
            FAR,
            BEARER,
            "its header Authorization would cross the network to http://shop.example/mcp",
        ),
        (FAR, {"Accept": "a/b", "X-Shop-Key": SECRET}, "its header X-Shop-Key would cross"),
        (f"{FAR}?key={SECRET}", {}, "the query of its url, which may hold a key, would cross"),
        (f"http://me:{SECRET}@shop.example/mcp", {}, "the password in its url would cross"),
        (
            f"http://127.0.0.1.shop.example/?k={SECRET}",
            {},
            "unencrypted; use https, or say `plain_",
        ),
        (f"ftp://me:{SECRET}@shop.example/", {}, "its url is none; it must look like https://"),
        (f"http://me:{SECRET}@shop.example:99999/", {}, "its url is none"),
        (f"http://[me:{SECRET}@/", {}, "its url is none"),
    ],
)
def test_a_secret_crosses_no_network_unencrypted(
    url: str, headers: dict[str, str], says: str
) -> None:
    with pytest.raises(ToolDefinitionError, match=says) as caught:
        McpServer(url=url, headers=headers)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "headers", "plain_http"),
    [
        (FAR, {"User-Agent": "mine"}, False),
        (FAR, BEARER, True),
        (f"https://me:{SECRET}@shop.example/mcp?key={SECRET}", BEARER, False),
        ("http://127.0.0.1:8000/mcp", BEARER, False),
        ("http://localhost/mcp", BEARER, False),
        (f"http://[::1]:80/mcp?key={SECRET}", BEARER, False),
    ],
)
def test_what_is_safe_or_asked_for_is_sent(
    url: str, headers: dict[str, str], plain_http: bool
) -> None:
    address = ServerAddress.of(url, headers, plain_http=plain_http)
    assert SECRET not in f"{address} {address.url}"
    McpServer(url=url, headers=headers, plain_http=plain_http)


def test_secrets_are_hidden_in_every_form_that_they_are_sent_in() -> None:
    url = "https://me:pass%2Fword@shop.example/mcp?key=a%2Bb%20cd&n=1"
    address = ServerAddress.of(url, {"X-Key": "Token abcdef", "Accept": "text/plain"})
    assert (address.url, address.login) == ("https://shop.example/mcp", ("me", "pass/word"))
    for said in ("pass/word", "a%2Bb%20cd", "a+b cd", "abcdef", "key=a%2Bb%20cd&n=1"):
        assert address.hide_in(f"no {said}!") == "no ...!"
    login = base64.b64encode(b"me:pass/word").decode()
    assert address.hide_in(f"Basic {login}, text/plain, n=1") == "Basic ..., text/plain, n=1"


@asynccontextmanager
async def rude_site(heard: list[str]) -> AsyncIterator[int]:
    """Answer every request with an error that repeats it, and yield the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heard.append(head)
        message = head.replace("\r\n", " ").replace('"', "'")
        said = f'{{"jsonrpc": "2.0", "id": 0, "error": {{"code": -32600, "message": "{message}"}}}}'
        lines = ("HTTP/1.1 401 No", "Content-Type: application/json", "Connection: close")
        body = said.encode()
        writer.write("\r\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def refused(**options: Any) -> str:
    """Return what is said of a server that does not let one in."""
    async with open_runtime() as rt:
        with pytest.raises(SpawnError) as caught:
            await rt.spawn(McpServer, start_timeout=5.0, **options)
    return "".join(map(str, (caught.value, caught.value.__cause__)))


async def test_a_server_gets_the_secrets_that_no_error_and_no_log_shows(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # none stands before this host
    heard: list[str] = []
    async with rude_site(heard) as port:
        headers = {"X-Shop-Key": "header5ecret"}
        url = f"http://me:pass5ecret@127.0.0.1:{port}/mcp?key=query5ecret"
        said = await refused(url=url, headers=headers)
    login = base64.b64encode(b"me:pass5ecret").decode()
    first = heard[0].splitlines()
    assert first[0] == "POST /mcp?key=query5ecret HTTP/1.1"
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in first)}
    assert fields["authorization"] == f"Basic {login}"
    assert fields["x-shop-key"] == "header5ecret"
    assert f"http://127.0.0.1:{port}/mcp" in said
    assert "POST /mcp?... HTTP/1.1" in said
    shown = said + caplog.text
    assert "/mcp" in caplog.text
    for secret in ("pass5ecret", "query5ecret", "header5ecret", login):
        assert secret not in shown


async def test_a_query_reaches_a_far_server_through_the_proxy_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[str] = []
    async with rude_site(heard) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        said = await refused(url=f"{FAR}?key=query5ecret", plain_http=True)
    assert heard[0].startswith(f"POST {FAR}?key=query5ecret HTTP/1.1")
    assert "query5ecret" not in said
