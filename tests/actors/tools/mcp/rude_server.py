"""A server of the standard library alone, that dies, hangs or writes rubbish when it is asked to.

`rude_server.py FILE [HOW]` adds a line to the file when it starts; HOW is what it does before it says
hello: `die`, or `hang`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

SCHEMA = {"type": "object", "properties": {"how": {"type": "string"}}, "required": ["how"]}
TOOL = {"name": "do", "description": "Do something.", "inputSchema": SCHEMA}
BROKEN = {"name": "broken", "inputSchema": {"type": "object", "properties": {"a": {"type": 3}}}}


def answer(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return the result of a request."""
    match message["method"]:
        case "initialize":
            return {
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "rude", "version": "0"},
            }
        case "tools/list":
            return {"tools": [TOOL, BROKEN]}
        case "ping":
            return {}
        case "tools/call":
            return do(message["params"]["arguments"]["how"])
    return None


def do(how: str) -> dict[str, Any] | None:
    """Return what the tool says."""
    match how:
        case "die":
            sys.stderr.write("I have had enough\n")
            sys.stderr.flush()
            os._exit(3)
        case "hang":
            time.sleep(600)
        case "rubbish":
            sys.stdout.buffer.write(b"this is no message\n{]\n\xff\xfe\n")
            sys.stdout.flush()
            time.sleep(600)
        case "chat":
            sys.stdout.write("a line of debugging\n")
        case "silence":
            return None
        case "wrong":
            return {"content": "no list"}
    return {"content": [{"type": "text", "text": how}]}


def main(file: str, how: str = "") -> None:
    """Answer until there is nothing more to read."""
    with Path(file).open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    if how == "die":
        sys.exit("not today")
    if how == "hang":
        time.sleep(600)
    for line in sys.stdin:
        message = json.loads(line)
        result = answer(message) if "id" in message else None
        if result is not None:
            reply = {"jsonrpc": "2.0", "id": message["id"], "result": result}
            sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
