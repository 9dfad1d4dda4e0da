from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel.protocols.address import Address
from passel.protocols.errors import (
    CallCycleError,
    CodecError,
    DeadActorError,
    DeadlineError,
    MailboxFullError,
    NameTakenError,
    NodeDeadError,
    NotAHandlerError,
    PasselError,
    RemoteError,
    RestartedError,
    SpawnError,
)
from passel.protocols.failure import Failed, error_of, failed_by, refusal

if TYPE_CHECKING:
    from passel.protocols.codec import Codec


class OutOfStockError(Exception):
    def __init__(self, item: str, *, left: int) -> None:
        super().__init__(f"{left} of {item} left")
        self.item = item
        self.left = left
        self.others = ["ham", {"eggs": 2}]
        self._secret = "stays"


class SoldOutError(OutOfStockError):
    pass


class RudeError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no comment")


def arrived(codec: Codec, record: Failed, *declared: type[BaseException]) -> BaseException:
    """Return the error that the caller gets of a record."""
    body, _ = codec.encode(record)
    return error_of(codec.decode(body, Failed), "side/shop", declared)


def raised(error: BaseException) -> BaseException:
    """Return an error with a traceback, as a handler's has."""
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_an_undeclared_error_arrives_with_its_name_text_and_traceback(codec: Codec) -> None:
    error = arrived(codec, failed_by(raised(OutOfStockError("spam", left=0))))

    assert isinstance(error, RemoteError)
    assert error.address == "side/shop"
    assert error.type_name.endswith("OutOfStockError")
    assert error.message == "0 of spam left"
    assert "in raised" in error.remote_traceback
    assert error.remote_traceback in "".join(traceback.format_exception(error))


def test_a_builtin_error_is_named_without_its_module(codec: Codec) -> None:
    error = arrived(codec, failed_by(raised(ValueError("x"))))

    assert str(error) == "side/shop raised ValueError: x"


def test_a_declared_error_arrives_as_itself_with_its_attributes(codec: Codec) -> None:
    record = failed_by(raised(OutOfStockError("spam", left=3)), (OutOfStockError,))

    error = arrived(codec, record, OutOfStockError)

    assert type(error) is OutOfStockError
    assert (str(error), error.args) == ("3 of spam left", ("3 of spam left",))
    assert (error.item, error.left, error.others) == ("spam", 3, ["ham", {"eggs": 2}])
    assert not hasattr(error, "_secret")
    assert "in raised" in "".join(traceback.format_exception(error))


def test_a_subclass_of_a_declared_error_keeps_its_class(codec: Codec) -> None:
    record = failed_by(SoldOutError("spam", left=0), (OutOfStockError,))

    assert type(arrived(codec, record, OutOfStockError)) is SoldOutError


def test_a_declared_error_of_an_unknown_class_arrives_as_a_remote_error(codec: Codec) -> None:
    record = failed_by(SoldOutError("spam", left=0), (OutOfStockError,))

    error = arrived(codec, record, KeyError)

    assert isinstance(error, RemoteError)
    assert error.message == "0 of spam left"


def test_declared_builtin_errors_keep_what_they_know(codec: Codec) -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        Path("/no/such/file").read_text()
    missing = arrived(codec, failed_by(caught.value, (OSError,)), OSError)
    assert isinstance(missing, FileNotFoundError)
    assert (missing.errno, missing.filename) == (2, "/no/such/file")
    assert str(missing) == str(caught.value)

    with pytest.raises(UnicodeDecodeError) as undecodable:
        b"\xff".decode()
    garbled = arrived(codec, failed_by(undecodable.value, (ValueError,)), ValueError)
    assert str(garbled) == str(undecodable.value)

    key = arrived(codec, failed_by(KeyError("k"), (KeyError,)), KeyError)
    assert (type(key), key.args) == (KeyError, ("k",))


@pytest.mark.parametrize(
    "error", [SpawnError("a cart", "no wheels"), NameTakenError("cart", "side/cart")], ids=repr
)
def test_a_failed_start_without_a_cause_arrives_with_the_traceback_of_who_asked_for_it(
    codec: Codec, error: SpawnError
) -> None:
    arriving = arrived(codec, failed_by(raised(error)))

    assert isinstance(arriving, RemoteError)
    assert "in raised" in arriving.remote_traceback


@pytest.mark.parametrize(
    "error",
    [
        ValueError(2**70, -(2**70)),
        ValueError("lone surrogate \udc80"),
        ValueError("x" * 5_000_000),
        ValueError(b"x" * 5_000_000),
        ValueError(object(), {1: object()}),
        RudeError(),
    ],
    ids=["large int", "surrogate", "long text", "long bytes", "objects", "raises in str"],
)
@pytest.mark.parametrize("declared", [(), (Exception,)], ids=["undeclared", "declared"])
def test_no_error_is_too_strange_to_be_reported(
    codec: Codec, error: Exception, declared: tuple[type[BaseException], ...]
) -> None:
    record = failed_by(raised(error), declared)
    body, _ = codec.encode(record)

    back = arrived(codec, record, *declared)

    assert len(body) < 80_000
    assert isinstance(back, type(error) if declared else RemoteError)


REFUSALS: list[PasselError] = [
    DeadActorError(Address("side", "shop", 1), "it has stopped"),
    NodeDeadError("side/shop", "side", signal="SIGKILL", stderr_tail=("oh",), note="alas"),
    NodeDeadError("side/shop", "side", exit_code=3),
    RestartedError("side/shop"),
    CallCycleError("leader/till", ["leader/till", "side/shop"]),
    NotAHandlerError("side/shop", "steal", ["sell", "buy"]),
    MailboxFullError("side/shop", 8),
    DeadlineError("ask side/shop.sell", 0.25, "its turn"),
    CodecError("body", "Expected `int`, got `str`"),
]


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_a_refusal_arrives_as_the_error_it_was(codec: Codec, error: PasselError) -> None:
    back = arrived(codec, refusal(error))

    assert type(back) is type(error)
    assert str(error) in str(back)
    if isinstance(error, DeadlineError):
        assert isinstance(back, TimeoutError)
    if isinstance(error, NodeDeadError):
        assert vars(back) == vars(error)


@given(
    code=st.sampled_from(
        [
            "dead",
            "node",
            "restarted",
            "cycle",
            "handler",
            "full",
            "deadline",
            "codec",
            "declared",
            "?",
        ]
    ),
    facts=st.lists(
        st.none() | st.integers(-9, 9) | st.text(max_size=4) | st.lists(st.integers() | st.text()),
        max_size=4,
    ),
)
def test_any_failure_record_gives_an_error_to_raise(code: str, facts: list[Any]) -> None:
    error = error_of(Failed(code, facts, "OSError"), "side/shop", (OSError,))

    assert isinstance(error, PasselError | OSError)


def test_a_segmentation_fault_names_its_likeliest_cause() -> None:
    error = NodeDeadError("side/shop", "side", signal="SIGSEGV")

    assert "writing in place to a received tensor" in str(error)
    assert "received tensor" not in str(NodeDeadError("side/shop", "side", signal="SIGKILL"))
