"""The documents say what is so: their programs run, their links lead somewhere, their tables are the code's."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
import pytest

from passel.protocols import limits
from passel.protocols.batch import unpack_batch
from passel.protocols.codec import ADDRESS_EXTENSION, ARRAY_EXTENSION
from passel.protocols.envelope import AnyMessage, Ask, Mark, Reply
from tests.source import ROOT, faces, name_of, package_files

if TYPE_CHECKING:
    from pathlib import Path

README = ROOT / "README.md"
DOCUMENTS = [
    README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()


def blocks(path: Path, language: str) -> list[str]:
    """Return the code blocks of one language in a document."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def printing_programs() -> list[tuple[str, int]]:
    """Return the programs of the pages in docs/ that have what they print below them."""
    return [
        (path.stem, number)
        for path in sorted((ROOT / "docs").glob("*.md"))
        for number in range(len(with_output(path)))
    ]


def with_output(path: Path) -> list[tuple[str, str]]:
    """Return the programs of a document below which stands what they print, and that."""
    pattern = r"^```python\n((?:(?!```).*\n)+)```\n\n```text\n((?:(?!```).*\n)+)```$"
    return re.findall(pattern, path.read_text(), re.MULTILINE)


def run_program(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of a document, in a folder of its own."""
    script = folder / "program.py"
    script.write_text(text)
    return subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env={**os.environ, "XDG_STATE_HOME": str(folder / "state")},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def commands() -> list[list[str]]:
    """Return the command lines of the README, comments left out."""
    lines = [line for block in blocks(README, "sh") for line in block.splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def passel(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as the README writes it, from the root of the project."""
    command = [sys.executable, "-m", "passel", *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50
    )


@pytest.mark.process
@pytest.mark.parametrize(
    ("number", "prints"),
    [
        (0, "7\n34\n"),
        (
            1,
            "0\n1\n2\nactor leader/clock is not there: it was stopped\n",
        ),
    ],
)
def test_the_programs_of_the_readme_print_what_they_say(
    number: int, prints: str, tmp_path: Path
) -> None:
    done = run_program(blocks(README, "python")[number], tmp_path)

    assert (done.stdout, done.returncode) == (prints, 0), done.stderr


@pytest.mark.process
@pytest.mark.parametrize(("page", "number"), printing_programs())
def test_the_programs_of_the_pages_print_what_stands_below_them(
    page: str, number: int, tmp_path: Path
) -> None:
    path = ROOT / "docs" / f"{page}.md"
    program, prints = with_output(path)[number]
    for block in blocks(path, "python"):  # modules that it imports begin with their name
        named = re.match(r"# (\w+\.py)\n", block)
        if named:
            (tmp_path / named[1]).write_text(block)

    done = run_program(program, tmp_path)

    assert (done.stdout, done.returncode) == (prints, 0), done.stderr


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_programs_call_the_main_that_they_define(path: Path) -> None:
    defined = [block for block in blocks(path, "python") if "async def main()" in block]

    assert [block for block in defined if "asyncio.run(main())" not in block] == []


def test_every_program_of_the_readme_is_run() -> None:
    assert len(blocks(README, "python")) == 2


@pytest.mark.process
@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_commands_of_the_readme_are_understood(words: list[str]) -> None:
    program, verb, *rest = words
    if program == "make":
        assert re.search(rf"^{verb}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    if program == "pip":
        extras = set(re.findall(r"\w+", re.findall(r"\[(.*)\]", rest[0])[0]))
        assert extras <= set(PROJECT["optional-dependencies"])
        return
    if program == "pytest" or "crew/topology.yaml" in rest:
        assert verb == "crew" or rest == ["crew/topology.yaml"]  # what `passel new crew` wrote
        return
    assert program == "passel"
    if verb in {"models", "new"}:
        done = passel(verb, *rest[: verb == "models"], "--help")
    elif verb == "run" and "examples/pipeline.yaml" not in rest:
        alike = [
            word for word in rest if word != "--resume"
        ]  # of state, of which a check knows nothing
        done = passel("check", *alike)  # it needs a model, and takes a minute
    else:
        done = passel(verb, *rest)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())

    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_trees_of_the_documents_name_what_is_there() -> None:
    listed = re.findall(r"^([a-z_]+)/ ", README.read_text(), re.MULTILINE)
    assert [name for name in listed if not (ROOT / name).is_dir()] == []

    text = (ROOT / "docs" / "architecture.md").read_text()
    tree = re.search(r"```\n(protocols/.*?)```", text, re.DOTALL)
    assert tree is not None
    missing = []
    for path in package_files():
        parts = name_of(path).split(".")
        word = parts[-1] if len(parts) == 2 else f"{parts[1]}/" if len(parts) > 2 else ""
        if not re.search(rf"(?<!\w){re.escape(word)}", tree[1]):
            missing.append(".".join(parts))
    assert missing == []


def test_every_dependency_is_defended_and_none_is_defended_in_vain() -> None:
    wanted = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
    names = {re.split(r"[\[><=~! ]", entry)[0] for entry in wanted} - {PROJECT["name"]}
    text = (ROOT / "docs" / "dependencies.md").read_text()
    defended = dict(re.findall(r"^\| ([\w-]+) \| (.+) \|$", text, re.MULTILINE))
    del defended["package"]

    assert set(defended) == names
    assert [name for name, why in defended.items() if not re.match(r"\w.*\.$", why)] == []


def test_the_messages_of_the_protocol_page_are_the_ones_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| (\w+) \| ([\w, ]+) \|$", PROTOCOL, re.MULTILINE)
    kinds = {kind.__name__: kind for kind in AnyMessage.__args__}

    assert [int(number) for number, _, _ in rows] == list(range(len(kinds)))
    for number, name, elements in rows:
        assert kinds[name].__struct_config__.tag == int(number)
        assert list(kinds[name].__struct_fields__) == elements.split(", ")


def test_the_limits_of_the_protocol_page_are_the_ones_of_the_code() -> None:
    rows = re.findall(r"^\| ([A-Z_]+) \| (\d+) \|$", PROTOCOL, re.MULTILINE)
    named = {name for name in vars(limits) if name.isupper()} - {"PROTOCOL_VERSION"}

    assert {name: int(value) for name, value in rows} == {
        name: getattr(limits, name) for name in named
    }
    assert f"This is version {limits.PROTOCOL_VERSION}." in " ".join(PROTOCOL.split())


def test_the_bytes_of_the_protocol_page_decode_to_what_it_says() -> None:
    exchange, array = (
        bytes.fromhex(block) for block in blocks(ROOT / "docs" / "protocol.md", "hex")
    )
    end_of_ask = exchange.rindex(b"\x92\x94")

    sent, ask = unpack_batch(exchange[:end_of_ask])
    answered, reply = unpack_batch(exchange[end_of_ask:])

    assert (sent, answered) == (Mark(5, 4), Mark(5, 5))
    assert isinstance(ask, Ask)
    assert (ask.target, ask.method, ask.deadline) == ("counter", "add", 2.0)
    assert msgspec.msgpack.decode(ask.body) == [3]
    assert isinstance(reply, Reply)
    assert (reply.id, msgspec.msgpack.decode(reply.body)) == (ask.id, 7)
    extension = msgspec.msgpack.decode(array)
    assert extension.code == ARRAY_EXTENSION == 1
    assert msgspec.msgpack.decode(extension.data) == ["numpy", "<i2", [2], -1, b"\1\0\2\0", None]
    assert ADDRESS_EXTENSION == 2


def test_every_folder_of_the_package_has_a_line_in_a_document() -> None:
    text = README.read_text() + (ROOT / "docs" / "architecture.md").read_text()

    for face in faces():
        if face.parent != ROOT:
            assert f"{face.parent.name}/" in text
