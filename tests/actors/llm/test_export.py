from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from passel.actors.llm import ModelExportError
from passel.actors.llm.engine import Row
from passel.actors.llm.export import export
from passel.actors.llm.hugging_face import HuggingFaceFolder
from tests.actors.cache.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path

    from passel.actors.llm.engine import Engine


def test_what_is_exported_is_the_model_that_was_read(tmp_path: Path) -> None:
    source = HuggingFaceFolder(write_tiny_model(tmp_path / "source"))
    copy = HuggingFaceFolder(export(source.path, tmp_path / "deep" / "copy", dtype="float32"))

    assert copy.config == source.config
    assert copy.chat_template()[0] == source.chat_template()[0]
    assert copy.chat_template()[1]["eos_token"] == source.chat_template()[1]["eos_token"]
    assert copy.tokenizer().ends == source.tokenizer().ends
    text = "any text\n\n"
    assert copy.tokenizer().encode(text) == source.tokenizer().encode(text)
    before, after = source.tensors(), copy.tensors()
    assert set(after) == set(before) - {"lm_head.weight"}
    assert all(torch.equal(after[name], before[name].float()) for name in after)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["copy"]


@pytest.mark.parametrize(("folder", "dtype"), [("source", "float32"), ("new", "int4")])
def test_what_cannot_be_written_is_said_and_leaves_nothing(
    folder: str, dtype: str, tmp_path: Path
) -> None:
    write_tiny_model(tmp_path / "source")
    with pytest.raises(ModelExportError, match=r"already|one of float32"):
        export(tmp_path / "source", tmp_path / folder, dtype=dtype)

    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.model
@pytest.mark.vllm  # for whom it is exported
@pytest.mark.timeout(180)  # loading models is slow
def test_transformers_reads_the_exported_model_as_the_engine_reads_its_source(
    smollm2: Engine, tmp_path: Path
) -> None:
    import transformers

    folder = export("smollm2-135m", tmp_path / "smollm2", dtype="float32")
    read: Any = transformers.AutoModelForCausalLM.from_pretrained
    model, loading = read(folder, dtype=torch.float32, output_loading_info=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    messages = [{"role": "user", "content": "Name two rivers."}]
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(text).input_ids

    assert not any(loading[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert text == smollm2.chat.render(messages)
    assert ids == smollm2.tokenizer.encode(text)
    assert set(model.generation_config.eos_token_id) == smollm2.tokenizer.ends
    ours = smollm2.forward([Row(tokens=ids, view=[block := smollm2.block(len(ids))], own=block)])
    with torch.no_grad():
        theirs = model(torch.tensor([ids])).logits[0, -1]
    torch.testing.assert_close(ours[0], theirs, rtol=0.0, atol=1e-2)
