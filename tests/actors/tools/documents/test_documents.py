"""Documents: passages, their index, and the search in it as a tool."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from passel.actors.tools import DocumentIndexError, ToolArgumentsError
from passel.actors.tools.documents import DocumentIndex, DocumentSearch
from passel.actors.tools.documents.fusion import fused
from passel.actors.tools.documents.passages import PASSAGE_CHARACTERS, passages_of
from passel.protocols.errors import SpawnError
from passel.protocols.tools import ToolCall
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from pathlib import Path

BROCKEN = "# Brocken\n\nThe Brocken is 1141 metres high.\n\nIts Action: Finish($1) is a railway.\n"
ZUGSPITZE = "Zugspitze\n=========\n\nThe Zugspitze is the highest of the German mountains.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "notes"
    (place / "south").mkdir(parents=True)
    (place / "brocken.md").write_text(BROCKEN)
    (place / "south" / "zugspitze.md").write_text(ZUGSPITZE)
    (place / "image.png").write_bytes(b"mountain")
    return place


def counted(texts: list[str]) -> list[list[float]]:
    """Return vectors of a toy meaning: how often heights and trains are spoken of."""
    topics = (("high", "tall", "height"), ("railway", "train"))
    return [[sum(text.lower().count(w) for w in t) for t in topics] for text in texts]


def test_passages_stay_below_their_headings_and_within_their_length() -> None:
    text = "Before.\n\n# One\n\nA.\n\nB.\n\nTwo\n---\n\n" + "A sentence of words. " * 200
    passages = list(passages_of(text))
    assert passages[:2] == [("", "Before."), ("One", "A.\n\nB.")]
    assert {p.heading for p in passages[2:]} == {"Two"}
    assert all(len(p.text) <= PASSAGE_CHARACTERS for p in passages)
    assert " ".join(p.text for p in passages[2:]) == ("A sentence of words. " * 200).strip()
    assert [len(p.text) for p in passages_of("x" * (PASSAGE_CHARACTERS + 5))] == [1200, 5]


@pytest.mark.parametrize(
    ("text", "passages"),
    [
        (
            "# Rent\nIt is 900 euros.\n## Deposit ##\nThree months.",
            [("Rent", "It is 900 euros."), ("Deposit", "Three months.")],
        ),
        ("Rent\n====\nIt is 900.\n\nPaid\r\n---\r\nMonthly.", [("Rent", "It is 900."), ("Paid", "Monthly.")]),
        ("A line.\n# Heading\nBelow.", [("", "A line."), ("Heading", "Below.")]),
        ("# Only this", [("", "Only this")]),
        ("# Title\n\n## Part\n\nText.\n\n### End", [("", "Title"), ("Part", "Text."), ("", "End")]),
        (
            "# Use\n\n```sh\nls\n\n# comment\n\ncd\n```\n## Next\nText.",
            [("Use", "```sh\nls\n\n# comment\n\ncd\n```"), ("Next", "Text.")],
        ),
        ("~~~~\n```\n# a\n~~~\n# b\n~~~~\n# C\nText.", [("", "~~~~\n```\n# a\n~~~\n# b\n~~~~"), ("C", "Text.")]),
        ("A\n\n    # code\n\n    b\n---", [("", "A\n\n# code\n\nb\n---")]),
        ("---\ntitle: Rent\n---\n\n# Rent\nIt is.", [("", "---\ntitle: Rent\n---"), ("Rent", "It is.")]),
        ("Run it\n~~~\nmake\n~~~\n\nUsage\n~~~~~\nText.", [("", "Run it\n~~~\nmake\n~~~"), ("Usage", "Text.")]),
        ("Two lines\nof text\n---\nmore", [("", "Two lines\nof text\n---\nmore")]),
        ("#hashtag\n\n#\n\n=== not\n\n>  # quoted", [("", "#hashtag\n\n#\n\n=== not\n\n>  # quoted")]),
        (" \n\n\t\n", []),
    ],
)  # fmt: skip
def test_headings_are_told_from_text_and_code(text: str, passages: list[tuple[str, str]]) -> None:
    assert list(passages_of(text)) == passages


def test_ranks_are_fused_reciprocally() -> None:
    found = fused([["a", "b"], ["b", "c"]])
    assert [entry for entry, _ in found] == ["b", "a", "c"]
    assert [score for _, score in found] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])


def test_an_index_finds_passages_by_their_words(folder: Path, tmp_path: Path) -> None:
    index = DocumentIndex(tmp_path / "index.db")
    (last,) = index.build(folder)
    assert (last.done, last.total, last.indexed, last.passages) == (2, 2, 2, 2)
    best, *rest = index.search("Which mountain is the HIGHEST?", 5)
    assert (best.path, best.heading) == ("south/zugspitze.md", "Zugspitze")
    assert best.text == "The Zugspitze is the highest of the German mountains."
    assert all(best.score > hit.score for hit in rest)
    assert [hit.path for hit in index.search("railways", 5)] == ["brocken.md"]
    assert index.search("nothing there", 5) == index.search("brocken* AND (", 0) == []


def test_an_index_is_brought_up_to_date(folder: Path, tmp_path: Path) -> None:
    index = DocumentIndex(tmp_path / "index.db")
    list(index.build(folder))
    (folder / "brocken.md").unlink()
    (folder / "south" / "zugspitze.md").write_text("It has a glacier.")
    (folder / "new.txt").write_text("Wurmberg")
    steps = list(index.build(folder, batch=1))
    assert [(s.done, s.indexed, s.removed) for s in steps] == [(1, 1, 1), (2, 2, 1)]
    assert steps[-1].passages == 2
    assert index.search("brocken highest", 5) == []
    assert [hit.path for hit in index.search("glacier wurmberg", 5)] == [
        "new.txt", "south/zugspitze.md",
    ]  # fmt: skip
    assert [step.indexed for step in index.build(folder)] == [0]


def test_files_that_cannot_be_read_are_counted(folder: Path, tmp_path: Path) -> None:
    (folder / "loop.md").symlink_to(folder / "loop.md")
    (last,) = DocumentIndex(tmp_path / "index.db").build(folder)
    assert (last.done, last.indexed, last.skipped) == (3, 2, 1)


def test_only_regular_files_of_the_folder_are_read(folder: Path, tmp_path: Path) -> None:
    """A pipe would be waited at for ever; a link could serve models what nobody meant to show."""
    secret = tmp_path / "secret.txt"
    secret.write_text("The password is swordfish.")
    index = DocumentIndex(tmp_path / "index.db")
    (folder / "link.txt").write_text("The password is mackerel.")
    list(index.build(folder))
    (folder / "link.txt").unlink()
    (folder / "link.txt").symlink_to(secret)
    (folder / "up.txt").symlink_to("../secret.txt")
    (folder / "within.txt").symlink_to("south/zugspitze.md")
    os.mkfifo(folder / "fifo.txt")
    (last,) = index.build(folder)
    assert (last.total, last.indexed, last.skipped) == (6, 1, 3)
    assert index.search("password", 5) == []
    assert [hit.path for hit in index.search("zugspitze", 5)] == [
        "south/zugspitze.md", "within.txt",
    ]  # fmt: skip
    linked = tmp_path / "linked"
    linked.symlink_to(folder)
    assert [step.skipped for step in index.build(linked)] == [3]


def test_meaning_counts_beside_words_where_there_is_an_embedding(
    folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "index.db"
    index = DocumentIndex(path, counted)
    list(index.build(folder))
    assert [hit.path for hit in index.search("trains", 1)] == ["brocken.md"]
    assert DocumentIndex(path).search("trains", 1) == []
    narrow = DocumentIndex(path, lambda texts: np.ones((len(texts), 7)))
    with pytest.raises(DocumentIndexError, match="another length than the embedding gives"):
        narrow.search("train", 1)
    odd = DocumentIndex(path, lambda texts: [1.0] * len(texts))
    with pytest.raises(DocumentIndexError, match=r"array of shape \(1,\) for 1 texts"):
        odd.search("train", 1)


def test_an_index_without_vectors_is_not_searched_by_meaning(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    list(DocumentIndex(path).build(folder))
    with pytest.raises(DocumentIndexError, match="built without vectors"):
        DocumentIndex(path, counted).check()


def test_what_is_no_index_is_left_alone(tmp_path: Path) -> None:
    missing = DocumentIndex(tmp_path / "missing.db")
    with pytest.raises(DocumentIndexError, match="no such file; build it first"):
        missing.check()
    with pytest.raises(DocumentIndexError, match="nowhere is no folder"):
        list(missing.build(tmp_path / "nowhere"))
    text = tmp_path / "text.db"
    text.write_bytes(b"words " * 1000)
    with pytest.raises(DocumentIndexError, match="not a database"):
        list(DocumentIndex(text).build(tmp_path))
    assert text.read_bytes() == b"words " * 1000


async def test_documents_are_searched_by_a_tool(folder: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "index.db")
    async with open_runtime(isolate=True) as rt:
        with pytest.raises(SpawnError, match="build it first"):
            await rt.spawn(DocumentSearch, path=path)
        search = await rt.spawn(DocumentSearch, path=path, folder=str(folder), name="notes")
        (spec,) = await search.tools()
        assert spec.name == "notes"
        assert list(spec.parameters["properties"]) == ["query", "count"]
        (hit,) = await search.call(ToolCall(tool="notes", arguments=("railway", "1")))
        assert hit["text"].endswith("Its Action: Finish($1) is a railway.")
        with pytest.raises(ToolArgumentsError, match="'query' is empty"):
            await search.call(ToolCall(tool="notes", arguments=(" ",)))
        with pytest.raises(ToolArgumentsError, match="maximum 20"):
            await search.call(ToolCall(tool="notes", arguments=("a", 21)))
        (folder / "more.md").write_text("A second railway.")
        steps = [step async for step in search.build(str(folder))]
        assert (steps[-1].indexed, steps[-1].total) == (1, 3)
        assert len(await search.call(ToolCall(tool="notes", arguments=("railway",)))) == 2
