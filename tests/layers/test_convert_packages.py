"""Models of transformers, torchao and peft, and programs of onnx: converted, or left with the reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from bilinear.cli import main
from bilinear.layers import LayerError, STLConfig, STLLinear, convert_, revert_
from bilinear.layers.convert import convert_folder

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

TOKENS = torch.arange(16).reshape(2, 8)
EXACT = STLConfig(tile=2, rank=7, init="strassen", force=True)


def gpt2() -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 32, "n_positions": 16}
    return GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=1, eos_token_id=2)).eval()


def llama() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 2}
    return LlamaForCausalLM(LlamaConfig(hidden_size=16, intermediate_size=32, vocab_size=32, **heads)).eval()


def bert() -> Any:
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return BertModel(BertConfig(vocab_size=32, **sizes)).eval()


def t5() -> Any:
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2, "vocab_size": 32}
    return T5ForConditionalGeneration(T5Config(**sizes, decoder_start_token_id=0)).eval()


def answer(model: nn.Module) -> torch.Tensor:
    named = {"decoder_input_ids": TOKENS} if type(model).__name__.startswith("T5") else {}
    with torch.no_grad():
        return model(TOKENS, **named)[0]


LOAD = """
import sys, torch, transformers, bilinear.layers.huggingface
model = getattr(transformers, sys.argv[1]).from_pretrained(sys.argv[2])
tokens = torch.arange(16).reshape(2, 8)
named = {"decoder_input_ids": tokens} if sys.argv[1].startswith("T5") else {}
with torch.no_grad():
    torch.save(model(tokens, **named)[0], sys.argv[2] + "/answer.pt")
"""


def in_another_process(kind: str, folder: Path) -> torch.Tensor:
    done = subprocess.run([sys.executable, "-c", LOAD, kind, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return torch.load(folder / "answer.pt", weights_only=True)


@pytest.mark.parametrize("build", [gpt2, llama, bert, t5])
@pytest.mark.parametrize("config", [EXACT, STLConfig(rank=40, force=True, dense_below=4)], ids=["exact", "rank 40"])
def test_a_saved_model_is_loaded_by_another_process_bit_for_bit(tmp_path, build, config):
    model = build()
    before = answer(model)
    report = convert_(model, config)
    assert len(report.replaced) >= 7
    found = answer(model)
    if config is EXACT:
        torch.testing.assert_close(found, before, rtol=1e-3, atol=1e-4)
    model.save_pretrained(tmp_path)
    assert torch.equal(in_another_process(type(model).__name__, tmp_path), found)


def test_a_reverted_model_is_saved_as_a_dense_one(tmp_path):
    model = gpt2()
    convert_(model, EXACT)
    revert_(model)
    model.save_pretrained(tmp_path)
    assert "quantization_config" not in json.loads((tmp_path / "config.json").read_text())


@pytest.mark.parametrize("build", [gpt2, llama])
@pytest.mark.parametrize("config", [EXACT, STLConfig(rank=40, force=True)], ids=["exact", "rank 40"])
def test_a_folder_is_converted_as_its_model_is(tmp_path, build, config):
    model, source, out = build(), tmp_path / "dense", tmp_path / "out"
    model.save_pretrained(source, max_shard_size="8KB")
    (source / "tokenizer.json").write_text("{}")
    written = convert_folder(source, config, out, shard=9000)
    report = convert_(model, config)
    assert (written.report.replaced, written.report.parameters) == (report.replaced, report.parameters)
    assert written.report.notes == report.notes
    assert (out / "tokenizer.json").read_text() == "{}"
    sizes = [path.stat().st_size for path in out.glob("*.safetensors")]
    assert len(sizes) > 3
    assert torch.equal(in_another_process(type(model).__name__, out), answer(model))


def test_the_command_takes_a_folder(tmp_path):
    gpt2().save_pretrained(tmp_path / "dense")
    (tmp_path / "c.json").write_text('{"tile": 2, "rank": 7, "force": true}')
    given = ["convert", str(tmp_path / "dense"), "--config", str(tmp_path / "c.json"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, given)
    assert result.exit_code == 0, result.output
    assert "8 of 9 layers replaced" in result.output
    again = CliRunner().invoke(main, given)
    assert (again.exit_code, "exists and is not an empty folder" in again.output) == (2, True)


def test_folders_that_cannot_be_converted(tmp_path):
    model = gpt2()
    with pytest.raises(LayerError, match=r"no config\.json"):
        convert_folder(tmp_path, EXACT, tmp_path / "out")
    model.save_pretrained(tmp_path / "dense")
    path = tmp_path / "dense" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(LayerError, match="truncated"):
        convert_folder(tmp_path / "dense", EXACT, tmp_path / "out")
    convert_(model, EXACT)
    model.save_pretrained(tmp_path / "done")
    with pytest.raises(LayerError, match="converted already"):
        convert_folder(tmp_path / "done", EXACT, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dense", "done"]


def test_causal_models_are_known_by_their_class():
    warned = [len(convert_(build(), STLConfig(rank=40, force=True)).notes) == 2 for build in (gpt2, llama, bert)]
    assert warned == [True, True, False]


def test_tiles_inside_a_token_let_no_place_see_a_later_one():
    model = gpt2()
    convert_(model, STLConfig(tile=(1, 4, 4), rank=12, force=True))
    other = TOKENS.clone()
    other[:, 5] = 31
    with torch.no_grad():
        changed = (model(TOKENS)[0] != model(other)[0]).any(2).any(0).nonzero().flatten().tolist()
    assert min(changed) == 5


def test_generation_by_a_converted_model():
    model, dense = gpt2(), gpt2()
    convert_(model, EXACT)
    found, expected = (m.generate(TOKENS, max_new_tokens=4, do_sample=False) for m in (model, dense))
    assert torch.equal(found, expected)


def test_quantised_weights_are_left():
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    model = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32)).eval()
    quantize_(model, Int8WeightOnlyConfig(), lambda module, name: name == "0")
    x = torch.randn(4, 32)
    quantised = model[0](x)
    report = convert_(model, EXACT)
    assert report.replaced == ["2"]
    assert report.rows[0].reason.endswith("convert the model before it is quantised")
    assert torch.equal(model[0](x), quantised)


def test_quantising_a_converted_model_leaves_its_layers():
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    model = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32)).eval()
    convert_(model, STLConfig(tile=2, rank=7, init="strassen", force=True, exclude=("2",)))
    x = torch.randn(4, 32)
    expected = model[0](x)
    quantize_(model, Int8WeightOnlyConfig())
    assert torch.equal(model[0](x), expected)
    model(x)


def test_layers_of_adapters_are_left_until_they_are_merged():
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(llama(), LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False))
    model.eval()
    before = answer(model)
    report = convert_(model, EXACT)
    left = {row.name.split(".q_proj.")[-1]: row.reason for row in report.rows if ".q_proj." in row.name}
    assert set(left.values()) == {"belongs to an adapter of peft, which merges into it"}
    assert {"base_layer", "lora_A.default", "lora_B.default"} <= set(left)
    assert any(name.endswith("k_proj") for name in report.replaced)
    torch.testing.assert_close(answer(model), before, rtol=1e-3, atol=1e-4)
    merged = model.merge_and_unload()
    assert any(name.endswith("q_proj") for name in convert_(merged, EXACT).replaced)
    torch.testing.assert_close(answer(merged), before, rtol=1e-3, atol=1e-4)


def test_an_adapter_around_converted_layers():
    from peft import LoraConfig, get_peft_model

    model = llama()
    convert_(model, STLConfig(tile=2, rank=7, init="strassen", force=True, exclude=("*.q_proj",)))
    adapted = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"]))
    assert torch.isfinite(answer(adapted)).all()
    with pytest.raises(ValueError, match=r"STLLinear.* is not supported"):
        get_peft_model(llama_with_layers(), LoraConfig(r=2, target_modules=["q_proj"]))


def llama_with_layers() -> Any:
    model = llama()
    convert_(model, EXACT)
    assert isinstance(model.model.layers[0].self_attn.q_proj, STLLinear)
    return model


def test_onnx(tmp_path):
    import onnx
    from onnx.reference import ReferenceEvaluator

    model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 8)).eval()
    convert_(model, STLConfig(rank=40, force=True))
    x = torch.randn(8, 16)
    torch.onnx.export(model, (x,), str(tmp_path / "m.onnx"), dynamo=True)
    onnx.checker.check_model(str(tmp_path / "m.onnx"))
    loaded = onnx.load(str(tmp_path / "m.onnx"))
    (found,) = ReferenceEvaluator(loaded).run(None, {loaded.graph.input[0].name: x.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), model(x).detach(), rtol=1e-3, atol=1e-4)
