from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passel.actors.chat import ApiKeyError, InvalidEndpointError, OpenAIModel
from passel.actors.chat.address import EndpointAddress
from passel.actors.chat.api_key import ApiKey

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "sk-5ecret"


def test_an_address_knows_where_chats_go() -> None:
    address = EndpointAddress("http://127.0.0.1:8000/v1/")

    assert address.chat_url == "http://127.0.0.1:8000/v1/chat/completions"
    assert address.is_local
    assert not address.is_encrypted
    assert EndpointAddress("http://[::1]:80/v1").is_local
    assert EndpointAddress("http://localhost/v1").is_local
    assert not EndpointAddress("https://example.org/v1").is_local


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "ftp://host/v1", "http://", "http://h:99999/", "http://h/v1?x=1"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidEndpointError):
        EndpointAddress(url)


@pytest.mark.parametrize(
    "url",
    [
        f"https://me:{SECRET}@example.org/v1",
        f"https://me:{SECRET}@example.org:99999/v1",
        f"https://[{SECRET}@example.org/v1",
        f"https://me:@{SECRET}@example.org/v1",
        f"https://me:a/{SECRET}@example.org/v1",
        f"https://example.org/v1?key={SECRET}",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidEndpointError) as caught:
        EndpointAddress(url)

    assert SECRET not in str(caught.value)
    assert "..." in str(caught.value)


def test_a_key_does_not_cross_a_network_in_plain_text_unless_told_to() -> None:
    url = "http://example.org/v1"
    with pytest.raises(InvalidEndpointError, match="use https"):
        OpenAIModel(base_url=url, model="m", api_key_env="KEY")

    OpenAIModel(base_url=url, model="m", api_key_env="KEY", plain_http=True)
    OpenAIModel(base_url="http://127.0.0.1/v1", model="m", api_key_env="KEY")
    OpenAIModel(base_url=url, model="m")


@pytest.mark.parametrize(
    "options",
    [
        {"concurrency": 0},
        {"tries": 0},
        {"silence": 0.0},
        {"deadline": -1.0},
        {"backoff": -1.0},
        {"api_key_env": "A", "api_key_file": "b"},
    ],
)
def test_limits_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InvalidEndpointError):
        OpenAIModel(base_url="http://127.0.0.1/v1", model="m", **options)  # type: ignore[arg-type]  # wrong on purpose


def test_a_key_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", f"{SECRET}\n")
    key = ApiKey.from_environment("SOME_KEY")

    assert key.value == SECRET
    assert SECRET not in f"{key} {key!r} {[key]}"
    assert key.hide_in(f"Incorrect API key: {SECRET}.") == "Incorrect API key: ...."


@pytest.mark.parametrize(
    ("value", "reason"), [("", "empty"), ("a b", "no key"), ("\xe4", "no key")]
)
def test_what_is_no_key_is_refused(
    value: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", value)
    with pytest.raises(ApiKeyError, match=f"variable SOME_KEY: .*{reason}"):
        ApiKey.from_environment("SOME_KEY")
    monkeypatch.delenv("SOME_KEY")
    with pytest.raises(ApiKeyError, match="it is not set"):
        ApiKey.from_environment("SOME_KEY")


def test_a_file_with_a_key_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o640)
    with pytest.raises(ApiKeyError, match=r"mode 0640.*chmod 600") as caught:
        ApiKey.from_file(file)
    assert SECRET not in str(caught.value)

    file.chmod(0o600)
    assert ApiKey.from_file(file).value == SECRET
    with pytest.raises(ApiKeyError, match="No such file"):
        ApiKey.from_file(tmp_path / "none")
