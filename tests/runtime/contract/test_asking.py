from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from passel import DeadActorError, RemoteError
from passel.protocols.errors import CodecError, LimitError, NotAHandlerError
from tests.runtime.crew import Arrays, Counter, Even, Librarian, OddError, Parent, Picky, Point

if TYPE_CHECKING:
    from tests.runtime.worlds import World


async def test_an_ask_returns_what_the_handler_returned(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Counter, start=3)
        assert await ref.add(4) == 7
        assert await ref.add(1, times=2) == 9
        assert await ref.move(Point(1, 2), [Point(3), Point(4, 5)]) == Point(8, 7)


async def test_paths_come_and_go_as_paths(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Librarian, Path("/home/books"))
        found = await ref.places([Path("emma"), Path("ulysses")], Path("old"))
        assert found == (Path("/home/books/old/emma"), Path("/home/books/old/ulysses"))
        assert await ref.places([Path("emma")]) == (Path("/home/books/emma"),)


async def test_a_thousand_asks_in_flight_are_all_answered(world: World) -> None:
    async with world.open() as home:
        ref = await home.there(capacity=64).spawn(Counter)
        answers = await asyncio.gather(*(ref.add(1) for _ in range(1000)))
    assert answers == list(range(1, 1001))


async def test_a_tell_returns_nothing_and_is_handled_before_a_later_ask(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Counter)
        await ref.add.tell(4)
        ref.add.tell_nowait(4)
        assert await ref.add(0) == 8


async def test_an_error_carries_both_tracebacks_and_the_actor_lives_on(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Counter)
        with pytest.raises(RemoteError) as caught:
            await ref.divide(0)
        assert await ref.add(1) == 1
    error = caught.value
    assert error.type_name == "ZeroDivisionError"
    assert error.message == "division by zero"
    assert "return self.value / by" in error.remote_traceback
    assert error.remote_traceback in "".join(error.__notes__)
    here = [entry.name for entry in caught.traceback]
    assert "test_an_error_carries_both_tracebacks_and_the_actor_lives_on" in here


async def test_declared_errors_come_back_as_themselves(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Counter)
        assert await ref.halve(4) == 2
        with pytest.raises(OddError, match="3 is odd") as odd:
            await ref.halve(3)
        assert odd.value.number == 3
        with pytest.raises(KeyError, match="negative"):
            await ref.halve(-1)


async def test_an_error_whose_parts_no_encoding_takes_still_answers_its_ask(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Counter)
        with pytest.raises(RemoteError, match="in a name"):
            await ref.swallow_tongue()
        with pytest.raises(ValueError, match="in a name"):
            await ref.swallow_tongue_openly()
        assert await ref.add(1) == 1


@pytest.mark.parametrize("kind", ["lock", "meta"])
async def test_a_result_that_cannot_travel_answers_with_an_error(world: World, kind: str) -> None:
    if not world.encodes:
        pytest.skip("results are handed over as they are")
    async with world.open() as home:
        ref = await home.there().spawn(Counter)
        with pytest.raises(RemoteError, match="CodecError"):
            await ref.give(kind)
        assert await ref.add(1) == 1


async def test_a_handler_that_is_cancelled_from_within_answers_with_an_error(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Counter)
        first = asyncio.ensure_future(ref.take_back())
        second = asyncio.ensure_future(ref.add(1))
        with pytest.raises(RemoteError, match="CancelledError"):
            await first
        assert await second == 1


async def test_arguments_that_cannot_travel_fail_at_the_caller_and_take_no_place(
    world: World,
) -> None:
    if not world.encodes:
        pytest.skip("arguments are handed over as they are")
    async with world.open() as home:
        ref = await home.there(capacity=2).spawn(Arrays)
        for _ in range(5):
            with pytest.raises(CodecError, match="cannot travel"):
                await ref.anything(object())
            with pytest.raises(CodecError, match="cannot travel"):
                await ref.anything.tell(object())
            with pytest.raises(CodecError, match="cannot travel"):
                ref.anything.tell_nowait(object())
        assert await ref.anything(1) == 1


async def test_arguments_that_do_not_fit_the_hints_are_refused(world: World) -> None:
    if not world.encodes:
        pytest.skip("arguments are handed over as they are")
    async with world.open() as home:
        ref = await home.there().spawn(Counter)
        wrong = cast("Any", ref)
        with pytest.raises(CodecError, match="Expected `int`"):
            await wrong.add("three")
        assert await ref.add(1) == 1


async def test_an_argument_whose_own_check_fails_is_refused(world: World) -> None:
    if not world.encodes:
        pytest.skip("arguments are handed over as they are")
    async with world.open() as home:
        ref = await home.there().spawn(Picky)
        odd = Even(2)
        odd.number = 3
        with pytest.raises(CodecError, match="odd"):
            await ref.take(odd)
        assert await ref.take(Even(4)) == 4


async def test_a_call_that_does_not_fit_the_signature_is_a_type_error(world: World) -> None:
    async with world.open() as home:
        ref = cast("Any", await home.there().spawn(Counter))
        with pytest.raises(TypeError, match="missing a required argument: 'n'"):
            await ref.add()
        with pytest.raises(NotAHandlerError, match="decorate the method with @handler"):
            await ref.subtract(1)


async def test_arrays_travel_both_ways_by_hint_and_as_any(world: World) -> None:
    import numpy as np

    async with world.open() as home:
        ref = await home.there().spawn(Arrays)
        for length in (0, 3, 5_000, 100_000):
            values = np.arange(length, dtype=np.float32).reshape(-1, 1)
            assert np.array_equal(await ref.double(values), values * 2)
            back = await ref.anything({"inside": [values]})
            assert back["inside"][0].dtype == np.float32
            assert np.array_equal(back["inside"][0], values)


async def test_tensors_travel_both_ways(world: World) -> None:
    import torch

    async with world.open() as home:
        ref = await home.there().spawn(Arrays)
        for length in (3, 20_000):
            values = torch.arange(length, dtype=torch.bfloat16)
            assert torch.equal(await ref.anything(values), values)


async def test_more_arrays_than_one_message_may_have_fail_at_the_caller(world: World) -> None:
    import numpy as np

    if not world.encodes:
        pytest.skip("arguments are handed over as they are")
    async with world.open() as home:
        ref = await home.there().spawn(Arrays)
        with pytest.raises(LimitError, match="4096"):
            await ref.count([np.zeros(2048)] * 4097)
        assert await ref.count([np.zeros(2048)] * 100) == 100


async def test_more_arrays_than_one_multipart_may_have_leave_in_several(world: World) -> None:
    import numpy as np

    async with world.open() as home:
        ref = await home.there().spawn(Arrays)
        values = [np.zeros(2048)] * 100
        counts = await asyncio.gather(*(ref.count(values) for _ in range(50)))
    assert counts == [100] * 50


async def test_more_bytes_than_one_batch_may_have_leave_in_several(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Arrays)
        payload = bytes(30 << 20)
        sizes = await asyncio.gather(*(ref.anything(payload) for _ in range(3)))
    assert [len(size) for size in sizes] == [30 << 20] * 3


async def test_a_reference_given_as_an_argument_is_used_by_the_receiver(world: World) -> None:
    async with world.open() as home:
        near = await home.runtime.spawn(Counter, start=10)
        far = await home.there().spawn(Counter, start=20)
        parent = await home.there().spawn(Parent)
        assert await parent.ask(near, 1) == 11
        assert await parent.ask(far, 1) == 21
        assert await parent.ask_untyped(near, 1) == 12
        assert await parent.ask_untyped(far, 1) == 22


async def test_a_reference_returned_by_a_handler_is_typed(world: World) -> None:
    async with world.open() as home:
        parent = await home.there().spawn(Parent)
        child = await parent.spawn(5)
        assert await child.add(1) == 6
        with pytest.raises(NotAHandlerError):
            await cast("Any", child).subtract(1)


async def test_an_ask_of_a_stopped_actor_says_that_it_is_gone(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Counter)
        await home.runtime.stop(ref)
        with pytest.raises(DeadActorError, match="stopped"):
            await ref.add(1)
        with pytest.raises(DeadActorError, match="stopped"):
            await ref.add.tell(1)
