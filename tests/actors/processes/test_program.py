from __future__ import annotations

import os

import pytest

from passel.actors.processes import Program

pytestmark = pytest.mark.process

ENVIRONMENT = {"PATH": os.environ["PATH"]}


async def test_a_program_that_writes_without_end_leaves_the_event_loop_to_others() -> None:
    program = Program(["yes"], environment=ENVIRONMENT, grace=1.0)
    assert not await program.wait(0.05)
    await program.aclose()
    assert program.ending == "SIGTERM"
    assert program.lines.tail(2)[0] == "y"


async def test_what_a_program_wrote_last_is_there_when_it_is_over() -> None:
    program = Program(
        ["sh", "-c", "echo one; echo two >&2; exit 4"], environment=ENVIRONMENT, grace=0
    )
    assert await program.wait(20.0)
    assert (program.lines.tail(5), program.ending, program.ended_well) == (
        ["one", "two"],
        "exit code 4",
        False,
    )
    await program.aclose()


async def test_standard_output_and_error_may_be_kept_apart() -> None:
    taken: list[bytes] = []
    command = ["sh", "-c", "echo one; echo two >&2"]
    program = Program(command, environment=ENVIRONMENT, grace=0, take=taken.append)
    assert await program.wait(20.0)
    await program.aclose()
    assert (b"".join(taken), taken[-1], program.lines.tail(5)) == (b"one\n", b"", ["two"])
    assert program.ended_well
