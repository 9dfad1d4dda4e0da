"""A program that behaves like `vllm serve`, as far as whoever runs one can tell.

It answers `/health` and `/v1/chat/completions`. What a request's last message says is done: `die`
kills the process after a piece, `hang` answers nothing from then on, `wait` streams until the reader
leaves, `brood` starts a process in a session of its own and says its id, `env` says which variables
it sees; anything else is streamed back word by word.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading

hung = threading.Event()
rivals: list[socket.socket] = []


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--served-model-name")
    parser.add_argument("--gate", help="a FIFO that must have been opened before it is ready")
    parser.add_argument("--beaten", help="a file; until it is there somebody else has the port")
    parser.add_argument("--crash", action="store_true")
    parser.add_argument("--stubborn", action="store_true", help="ignore SIGTERM")
    return parser.parse_args()


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def piece(delta: dict[str, str], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def stream(connection: socket.socket, said: str) -> None:
    words = [said]
    if said == "brood":
        child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        words = [str(child.pid)]
    elif said == "env":
        words = [" ".join(sorted(os.environ))]
    elif said not in {"die", "hang", "wait"}:
        words = said.split(" ")
    for word in words:
        connection.sendall(piece({"content": word}))
    if said == "die":
        say("Segmentation something")
        os.kill(os.getpid(), signal.SIGKILL)
    if said == "hang":
        hung.set()
    if said in {"hang", "wait"}:
        connection.recv(1)  # the reader leaves, or never does
        return
    connection.sendall(piece({}, "stop") + b"data: [DONE]\n\n")


def serve(connection: socket.socket, key: str) -> None:
    with connection, connection.makefile("rb") as lines:
        first = lines.readline().decode()
        headers = {}
        while line := lines.readline().strip().decode():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        body = lines.read(int(headers.get("content-length", 0)))
        if hung.is_set():
            threading.Event().wait()
        if "/health" in first:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        elif headers.get("authorization") != f"Bearer {key}":
            connection.sendall(
                b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        else:
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            )
            stream(connection, json.loads(body)["messages"][-1]["content"])


def main() -> None:
    given = arguments()
    say(f"INFO Starting to load model {given.served_model_name}...")
    if given.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if given.crash:
        say("ValueError: unknown flag --nonsense")
        sys.exit(3)
    if given.beaten and not os.path.exists(given.beaten):
        open(given.beaten, "x").close()
        rivals.append(socket.create_server((given.host, given.port)))
    if given.gate:
        with open(given.gate) as gate:
            gate.read()
    with socket.create_server((given.host, given.port)) as server:
        say("INFO Application startup complete.")
        while True:
            connection, _ = server.accept()
            serving = (connection, os.environ["VLLM_API_KEY"])
            threading.Thread(target=serve, args=serving, daemon=True).start()


main()
