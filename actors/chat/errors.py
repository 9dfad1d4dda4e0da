"""What can go wrong between a program and a chat model.

PasselError
└── ChatError
    ├── EndpointUnreachableError  nobody answers at the address
    ├── RequestRefusedError       the server answered with an error instead
    ├── NotAChatEndpointError     what answers there speaks another protocol
    ├── AnswerBrokenError         the answer stopped before its end
    ├── AnswerTimeoutError        nothing came for too long (also a TimeoutError)
    ├── UnansweredRequestError    the model does not answer requests of that kind
    ├── UnsupportedFormError      the endpoint cannot promise an answer of that form
    ├── InvalidEndpointError      the description of an endpoint makes no sense
    │   └── InvalidLimitError         ... in one of its limits
    ├── ApiKeyError               the key to an endpoint cannot be had
    ├── MissingPackageError       a package that an extra of Passel brings is not installed
    ├── ServerDiedError           the server that a model runs has ended, or will not start
    ├── ServerClosedError         the server that a model runs takes no more requests
    ├── InvalidScriptError        a script that no model can follow
    └── ScriptExhaustedError      a script has no answer to this request
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINES_QUOTED = 8
"""How many of a server's last lines its error quotes; the attribute has more."""

_QUOTED = 1_000
"""Characters of a server's message that an error quotes."""


class ChatError(PasselError):
    """Everything that keeps a chat model from a complete answer."""


class EndpointUnreachableError(ChatError):
    """Raised when no connection to the endpoint comes about."""

    def __init__(self, url: str, *, reason: str) -> None:
        super().__init__(
            f"no connection to {url}: {reason}; is the server running, and is this its address?"
        )
        self.url = url
        self.reason = reason


class RequestRefusedError(ChatError):
    """Raised when the server answers with an error.

    Attributes:
        url: What was asked.
        status: HTTP status; 200 when the error came within the stream.
        message: What the server said, shortened.
        retry_after: Seconds after which it wants to be asked again, or None.
    """

    def __init__(
        self, url: str, status: int, message: str, *, retry_after: float | None = None
    ) -> None:
        message = message.strip()[:_QUOTED] or "it said nothing"
        super().__init__(f"{url} refused the request ({status}): {message}; {_mend(status)}")
        self.url = url
        self.status = status
        self.message = message
        self.retry_after = retry_after


class NotAChatEndpointError(ChatError):
    """Raised when what answers at the address is not a chat endpoint."""

    def __init__(self, url: str, *, found: str) -> None:
        super().__init__(
            f"{url} is no chat endpoint: {found}; the base URL of most servers ends in /v1"
        )
        self.url = url
        self.found = found


class AnswerBrokenError(ChatError):
    """Raised when an answer stops before its end.

    Attributes:
        pieces: How many pieces had come; with none it is safe to ask again.
    """

    def __init__(self, url: str, *, pieces: int, reason: str) -> None:
        super().__init__(
            f"the answer of {url} broke off after {pieces} pieces: {reason}; ask again"
        )
        self.url = url
        self.pieces = pieces
        self.reason = reason


class AnswerTimeoutError(ChatError, TimeoutError):
    """Raised when nothing came for too long.

    Attributes:
        pieces: How many pieces had come.
        seconds: How long was waited.
        what: Which of the model's limits that was.
    """

    def __init__(self, url: str, *, pieces: int, seconds: float, what: str) -> None:
        super().__init__(
            f"{url} did not finish its answer: {pieces} pieces came, then {what} of {seconds:.3g} s"
            " passed; raise it, or look at the server"
        )
        self.url = url
        self.pieces = pieces
        self.seconds = seconds
        self.what = what


class UnsupportedFormError(ChatError):
    """Raised when an endpoint has no means to promise an answer of the form asked for."""

    def __init__(self, form: str, *, dialect: str) -> None:
        super().__init__(
            f"an endpoint that speaks {dialect!r} cannot promise the form {form!r}; "
            "ask for a JSON schema, or use one that speaks 'vllm'"
        )
        self.form = form
        self.dialect = dialect


class InvalidEndpointError(ChatError):
    """Raised when the description of an endpoint makes no sense."""

    def __init__(self, url: str, *, reason: str) -> None:
        super().__init__(f"{url!r} cannot be used as an endpoint: {reason}")
        self.url = url
        self.reason = reason


class InvalidLimitError(InvalidEndpointError):
    """Raised when a limit of a model makes no sense.

    Attributes:
        limit: Its name.
        value: What it is.
    """

    def __init__(self, where: str, limit: str, value: float, *, wanted: str) -> None:
        super().__init__(where, reason=f"its {limit} is {value!r}; give {wanted}")
        self.limit = limit
        self.value = value


class ApiKeyError(ChatError):
    """Raised when the key to an endpoint cannot be had from where it should be."""

    def __init__(self, source: str, *, reason: str) -> None:
        super().__init__(f"there is no API key in {source}: {reason}")
        self.source = source
        self.reason = reason


class UnansweredRequestError(ChatError):
    """Raised when a model that was made for some requests is given another one."""

    def __init__(self, model: str, *, reason: str) -> None:
        super().__init__(f"{model} does not answer this request: {reason}")
        self.model = model
        self.reason = reason


class MissingPackageError(ChatError):
    """Raised when a model needs a package that is not installed."""

    def __init__(self, package: str, *, extra: str) -> None:
        super().__init__(f'{package} is not installed; run `pip install "passel[{extra}]"`')
        self.package = package
        self.extra = extra


class ServerDiedError(ChatError):
    """Raised when the server behind a model has ended, or will not start.

    Attributes:
        model: Which model it serves.
        how: What became of it, such as `SIGKILL` or `exit code 1`.
        pieces: How many pieces of the answer had come.
        lines: What it wrote last.
        given_up: Whether it will not be started again.
    """

    def __init__(
        self,
        model: str,
        how: str,
        *,
        pieces: int = 0,
        lines: Sequence[str] = (),
        given_up: bool = False,
    ) -> None:
        now = "it is not started again" if given_up else "it is started again: ask again"
        said = "".join(f"\n    {line}" for line in lines[-_LINES_QUOTED:])
        super().__init__(
            f"the server of {model} has ended ({how}) after {pieces} pieces; {now}"
            + (f"; its last lines:{said}" if said else "")
        )
        self.model = model
        self.how = how
        self.pieces = pieces
        self.lines = tuple(lines)
        self.given_up = given_up


class ServerClosedError(ChatError):
    """Raised when the server behind a model takes no more requests."""

    def __init__(self, model: str, *, state: str) -> None:
        super().__init__(f"the server of {model} is {state} and takes no more requests")
        self.model = model
        self.state = state


class InvalidScriptError(ChatError):
    """Raised when a script makes no sense."""

    def __init__(self, where: str, *, reason: str) -> None:
        super().__init__(f"the script cannot be followed, {where}: {reason}")
        self.where = where
        self.reason = reason


class ScriptExhaustedError(ChatError):
    """Raised when a script has no answer to a request."""

    def __init__(self, question: str, *, given: int) -> None:
        super().__init__(
            f"the script has no answer to {question[:200]!r} ({given} were given before); "
            "add one, or say `repeat`"
        )
        self.question = question
        self.given = given


def _mend(status: int) -> str:
    """Return what helps against an HTTP status."""
    known = {
        401: "give a valid API key",
        403: "give an API key that may do this",
        404: "check base URL and model name",
        413: "shorten the conversation",
        429: "send fewer requests at once, or look at your quota",
    }
    if status in known:
        return known[status]
    return "look at the server's log" if status >= 500 or status == 200 else "mend the request"
