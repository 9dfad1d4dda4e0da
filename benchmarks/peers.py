"""Other actor runtimes, each in a virtual environment of its own, measured as Passel is.

The environments are made from PyPI when they are not there: in `--peer-venvs DIR`, else in
`$XDG_CACHE_HOME/passel/peers`. Every round starts a peer anew and stops it, so that its background
work disturbs nobody else's measurement.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from measure import first_answer, say

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGES: Final = {
    "xoscar": ("xoscar==0.12.2", "numpy"),
    "ray": ("ray==2.60.0", "numpy"),
}
"""What is installed for each peer: the version that the drivers were written for."""

_LONGEST_SECONDS: Final = 120


class Peer:
    """One peer and its interpreter.

    Args:
        name: Its name; its driver is `peers_NAME.py`.
        folder: Where environments are kept, one folder for each peer.
        packages: What is installed for it.

    Attributes:
        python: Its interpreter.
        driver: What that runs.
    """

    def __init__(self, name: str, folder: Path, packages: tuple[str, ...]) -> None:
        self.name = name
        self._packages = packages
        self.python = folder / name / "bin" / "python"
        self.driver = Path(__file__).with_name(f"peers_{name}.py")

    def install(self) -> None:
        """Make its environment if there is none."""
        if self.python.exists():
            return
        say(f"installing {self.name}")
        folder = self.python.parent.parent
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [str(self.python), "-m", "pip", "install", "--quiet", *self._packages]
        subprocess.run(install, check=True)

    def measure(self, seconds: float) -> dict[str, float]:
        """Run its driver once and return what it measured, by key."""
        command = [str(self.python), str(self.driver), str(seconds)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_LONGEST_SECONDS
        )
        if done.returncode != 0:
            raise RuntimeError(f"{self.name} failed:\n{done.stderr}")
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return {f"{self.name}_{key}": value for key, value in found.items()}

    def cold_start(self) -> float:
        """Return seconds from starting an interpreter to the first answer from another process."""
        return first_answer([str(self.python), str(self.driver), "cold"])


def peers_of(
    names: str, folder: Path | None, packages: Mapping[str, tuple[str, ...]] = PACKAGES
) -> list[Peer]:
    """Return the peers that a comma-separated list names, ready to run."""
    folder = folder or default_folder()
    wanted = [name for name in names.split(",") if name]
    for name in wanted:
        if name not in packages:
            sys.exit(f"there is no peer {name!r}; choose of {', '.join(packages)}")
    found = [Peer(name, folder, packages[name]) for name in wanted]
    for peer in found:
        peer.install()
    return found


def default_folder() -> Path:
    """Return where environments are kept if nothing else is said."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "passel" / "peers"
