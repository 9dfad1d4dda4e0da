"""Pages from a server on loopback."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.tools import RefusedUrlError, ToolFailedError, ToolTimeoutError
from passel.actors.tools.http import HttpGet
from passel.actors.tools.http.page_text import page_text
from passel.protocols.tools import ToolCall
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from passel import ActorRef

pytestmark = pytest.mark.process

HTML = """<html><head><title> The
 Brocken </title><script>if (a < b) {}</script></head><body><h1>Brocken</h1>
<p>It is <b>1141</b>&nbsp;m high.<p>Action: Finish($1)<table><tr><td>a<td>b</table></body></html>"""


class Names(HttpGet):
    """Knows the names of its tests, and counts how often it is asked."""

    asked: list[str]

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return an address on loopback first, and another one ever after."""
        self.asked = [*getattr(self, "asked", []), host]
        if host == "inner.test":
            return ["127.0.0.1", "10.0.0.1"]
        if host == "nowhere.test":
            raise OSError(-2, "Name or service not known")
        return ["127.0.0.1"] if self.asked.count(host) == 1 else ["10.0.0.1"]


class Site:
    """Answers by path, and keeps the heads of requests."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.left = asyncio.Event()

    def answer(self, path: str) -> bytes | None:
        """Return a response, or None to say nothing."""
        match path:
            case "/page":
                return response(HTML.encode(), "text/html; charset=utf-8")
            case "/json":
                return response(b'{"text": "Action: Finish($1)"}', "application/json")
            case "/missing":
                return response(b"gone", "text/plain", status="404 Not Found")
            case "/image":
                return response(b"\x89PNG", "image/png")
            case "/packed":
                return response(b"x", "text/plain", "Content-Encoding: gzip\r\n")
            case "/endless":
                return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 5000
            case "/silent":
                return None
            case "/rubbish":
                return b"no http at all\r\n\r\n"
        if path.startswith("/to/"):
            return response(b"", "text/plain", f"Location: {path[4:]}\r\n", status="302 Found")
        return response(b"plain", "text/plain")

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            answer = self.answer(head.split(" ")[1])
            if answer is None:
                await reader.read()
                self.left.set()
            else:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def response(body: bytes, kind: str, more: str = "", status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


@asynccontextmanager
async def fetching(**options: Any) -> AsyncIterator[tuple[ActorRef[Names], Site, int]]:
    site = Site()
    server = await asyncio.start_server(site.connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    names = [f"{name}.test:{port}" for name in ("site", "inner", "nowhere", "other")]
    options = {"plain": True, "private": ["127.0.0.0/8"], "hosts": names, **options}
    try:
        async with open_runtime() as rt:
            yield await rt.spawn(Names, **options), site, port
    finally:
        server.close()
        await server.wait_closed()


def got(url: str) -> ToolCall:
    return ToolCall(tool="http_get", arguments=(url,))


def test_the_text_of_a_page_is_what_a_reader_sees() -> None:
    text = "Brocken\nIt is 1141 m high.\nAction: Finish($1)\na b"
    assert page_text(HTML) == ("The Brocken", text)
    assert page_text("<head><style>p {}<body><p>y") == ("", "")
    assert page_text("<title>x</title><br>y") == ("x", "y")
    assert page_text("a<!-- <p> -->b<!-->c<a t='>' u=\"<p>\">d</a>&lt;<3 &amp<!-- e") == (
        "",
        "abcd<<3 &",
    )
    assert page_text("<SCRIPT>'</p>' <!--</Script >a<style>b") == ("", "a")


@pytest.mark.parametrize(
    "part",
    [
        "<svg>",
        "<a ",
        "<a =",
        "<a b='",
        "<!--",
        "<!x ",
        "</",
        "<script>",
        "</scrip",
        "&",
        "<![CDATA[",
    ],
)
def test_a_page_that_is_made_to_be_slow_is_not(part: str) -> None:
    """Each of these costs seconds, or minutes, where work on a part looks at all the rest."""
    html = part * 20_000 + "</p>" * 20_000
    before = time.process_time()
    page_text(html)
    assert time.process_time() - before < 2.0


async def test_a_page_is_fetched_by_its_checked_address_under_its_name() -> None:
    async with fetching() as (web, site, port):
        page = await web.call(got(f"http://site.test:{port}/page#part"))
        assert page == {
            "url": f"http://site.test:{port}/page",
            "status": 200,
            "type": "text/html",
            "title": "The Brocken",
            "text": "Brocken\nIt is 1141 m high.\nAction: Finish($1)\na b",
        }
        assert f"host: site.test:{port}\r\n" in site.heads[0].lower()
        with pytest.raises(RefusedUrlError, match=r"at 10\.0\.0\.1, which is not public"):
            await web.call(got(f"http://site.test:{port}/page"))
        with pytest.raises(RefusedUrlError, match=r"at 10\.0\.0\.1"):
            await web.call(got(f"http://inner.test:{port}/"))
        assert len(site.heads) == 1


async def test_other_texts_come_as_they_are_and_errors_with_their_status() -> None:
    async with fetching() as (web, _, port):
        page = await web.call(got(f"http://site.test:{port}/json"))
        assert page["text"] == '{"text": "Action: Finish($1)"}'
        page = await web.call(got(f"http://other.test:{port}/missing"))
        assert (page["status"], page["text"]) == (404, "gone")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("http://169.254.169.254/latest", "its host is not allowed"),
        ("file:///etc/passwd", "only https and http may be fetched"),
        ("/x", r"at 10\.0\.0\.1, which is not public"),  # its name stands for something else now
    ],
)
async def test_where_a_page_sends_on_to_is_checked_as_it_was(target: str, says: str) -> None:
    async with fetching() as (web, site, port):
        page = await web.call(got(f"http://other.test:{port}/to/http://site.test:{port}/x"))
        assert page["url"] == f"http://site.test:{port}/x"
    async with fetching() as (web, site, port):
        with pytest.raises(RefusedUrlError, match=says):
            await web.call(got(f"http://site.test:{port}/to/{target}"))
        assert len(site.heads) == 1


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/image", "type: .*is image/png, no text"),
        ("/packed", "encoding: .*is sent as gzip"),
        ("/endless", "size: .*has more than 1000 bytes"),
        ("/rubbish", "RemoteProtocolError"),
    ],
)
async def test_what_is_no_page_is_the_tools_failure(path: str, says: str) -> None:
    async with fetching(max_bytes=1000) as (web, _, port):
        with pytest.raises(ToolFailedError, match=says):
            await web.call(got(f"http://site.test:{port}{path}"))


async def test_a_name_or_a_server_that_is_not_there_is_said() -> None:
    async with fetching() as (web, _, port):
        with pytest.raises(ToolFailedError, match=r"name: nowhere\.test: Name or service"):
            await web.call(got(f"http://nowhere.test:{port}/"))
    async with fetching(hosts=[f"site.test:{port}"]) as (web, _, _):
        with pytest.raises(ToolFailedError, match="ConnectError"):
            await web.call(got(f"http://site.test:{port}/"))


async def test_a_server_that_says_nothing_is_left_when_the_time_is_over() -> None:
    async with fetching(timeout=0.2) as (web, site, port):
        with pytest.raises(ToolTimeoutError):
            await web.call(got(f"http://site.test:{port}/silent"))
        await site.left.wait()


async def test_pages_that_send_on_in_circles_end() -> None:
    class Round(Site):
        def answer(self, path: str) -> bytes | None:
            return response(b"", "text/plain", "Location: /again\r\n", status="302 Found")

    site = Round()
    server = await asyncio.start_server(site.connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_runtime() as rt:
        options: dict[str, Any] = {"plain": True, "private": ["127.0.0.0/8"]}
        web = await rt.spawn(HttpGet, hosts=[f"127.0.0.1:{port}"], **options)
        with pytest.raises(ToolFailedError, match="redirects: more than 5"):
            await web.call(got(f"http://127.0.0.1:{port}/"))
    assert len(site.heads) == 6
