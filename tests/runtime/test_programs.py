"""Programs as users write them: a class of `__main__`, scripts, modules, standard input."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.runtime.worlds import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.process

PROGRAM = dedent("""
    from __future__ import annotations
    import asyncio
    from dataclasses import dataclass
    from pathlib import Path
    from passel import Actor, Runtime, handler

    @dataclass
    class Point:
        x: int

    class Mover(Actor):
        @handler
        async def move(self, points: list[Point], last: Point | None = None) -> list[Point]:
            return [Point(p.x + 1) for p in points]

    async def main() -> None:
        async with Runtime(run_directory=Path("runs")) as runtime:
            await runtime.start_node("side")
            far = await runtime.options(node="side", name="m").spawn(Mover)
            print(await far.move([Point(1)]))
""")
START = 'if __name__ == "__main__":\n    asyncio.run(main())\n'


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: run directories go there."""
    with private_folder() as path:
        yield path


def run(folder: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program in `folder` with our Python."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_class_of_a_script_is_loaded_from_its_file(folder: Path) -> None:
    (folder / "script.py").write_text(PROGRAM + START)
    done = run(folder, "script.py")
    assert done.stdout == "[Point(x=2)]\n", done.stderr
    assert done.returncode == 0
    assert not done.stderr
    assert not list((folder / "runs").iterdir())


def test_a_class_of_a_module_that_is_run_is_loaded_by_its_name(folder: Path) -> None:
    (folder / "kit").mkdir()
    (folder / "kit" / "__init__.py").touch()
    (folder / "kit" / "words.py").write_text("HERE = 1\n")
    (folder / "kit" / "program.py").write_text(
        PROGRAM.replace("import asyncio\n", "import asyncio\nfrom .words import HERE\n", 1) + START
    )
    done = run(folder, "-m", "kit.program")
    assert done.stdout == "[Point(x=2)]\n", done.stderr


def test_a_script_that_starts_itself_when_imported_is_told_what_mends_it(folder: Path) -> None:
    (folder / "script.py").write_text(PROGRAM + "asyncio.run(main())\n")
    done = run(folder, "script.py")
    assert done.returncode == 1
    assert 'if __name__ == "__main__":' in done.stderr


@pytest.mark.parametrize("how", ["-c", "-"])
def test_a_class_typed_into_a_session_gives_the_error_that_mends_it(folder: Path, how: str) -> None:
    program = PROGRAM.replace("[Point(1)]", "[]") + "asyncio.run(main())\n"
    done = run(folder, "-c", program) if how == "-c" else run(folder, "-", given=program)
    assert done.returncode == 1
    assert "it was typed into an interactive session; move it to a module" in done.stderr
    assert "ClassLoadError" in done.stderr
    assert not list((folder / "runs").iterdir())


def test_a_class_typed_into_a_session_runs_in_its_own_process(folder: Path) -> None:
    program = PROGRAM.replace('node="side", ', "") + "asyncio.run(main())\n"
    done = run(folder, "-", given=program)
    assert done.stdout == "[Point(x=2)]\n", done.stderr


def test_importing_the_package_opens_nothing_and_loads_nothing_heavy(folder: Path) -> None:
    program = dedent("""
        import sys, threading, os
        import passel
        passel.Runtime, passel.Actor
        heavy = {"torch", "numpy", "networkx", "rich", "typer", "zmq.asyncio"} & set(sys.modules)
        print(sorted(heavy), threading.active_count())
    """)
    assert run(folder, "-c", program).stdout == "[] 1\n"
