"""Where SUMO's programs are, and how one is run."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...actors.processes import run_command
from .errors import SumoMissingError, SumoRunError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_OUTPUT: Final = 1 << 20


def program(name: str, folder: str = "") -> str:
    """Return the path of one of SUMO's programs.

    It is looked for in the folder, if there is one; else in `$SUMO_HOME/bin`, in the package
    `eclipse-sumo`, and on the path.

    Raises:
        SumoMissingError: It is not there.
    """
    if folder:
        places = [Path(folder)]
    else:
        home = os.environ.get("SUMO_HOME")
        places = [Path(home) / "bin"] if home else []
        package = importlib.util.find_spec("sumo")
        places += [
            Path(place) / "bin" for place in (package and package.submodule_search_locations) or ()
        ]
    for place in places:
        if (place / name).is_file():
            return str((place / name).absolute())
    on_path = None if folder else shutil.which(name)
    if on_path is None:
        raise SumoMissingError(
            name, where=folder or "SUMO_HOME, among Python's packages or on the path"
        )
    return on_path


async def run_program(path: str, words: Sequence[str], *, folder: Path, timeout: float) -> None:
    """Run a program of SUMO in a folder to its end; it ends with whoever waits for it.

    Raises:
        SumoRunError: It failed, or took longer than `timeout` seconds.
    """
    name = Path(path).name
    try:
        async with asyncio.timeout(timeout):
            finished = await run_command(
                [path, *words],
                environment={"PATH": os.environ.get("PATH", os.defpath)},
                directory=str(folder),
                max_output=_MOST_OUTPUT,
            )
    except TimeoutError:
        raise SumoRunError(name, how=f"took longer than {timeout} seconds") from None
    ended = finished.ended
    if ended.exit != 0:
        how = ended.error or ended.signal or f"ended with exit code {ended.exit}"
        raise SumoRunError(
            name, how=how, said=finished.stderr.decode(errors="replace").strip()[-2000:]
        )
