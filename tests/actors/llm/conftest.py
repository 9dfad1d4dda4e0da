"""Real weights, loaded once per session: our engine and the peer."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from passel.actors.llm.engine import Engine


@pytest.fixture(scope="session")
def smollm2() -> Engine:
    """Load SmolLM2-135M-Instruct; `passel models pull smollm2-135m` must have run."""
    from passel.actors.llm.engine import Engine

    return Engine.load("smollm2-135m")


@pytest.fixture(scope="session")
def peer() -> Any:
    """Load the same file in `transformers`: (model, tokenizer)."""
    import torch
    import transformers

    from passel.actors.llm.models import path_of

    file = path_of("smollm2-135m")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy arrays read from the file are not writable
        model = transformers.AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, dtype=torch.float32
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    return model.train(False), tokenizer
