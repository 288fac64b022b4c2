"""The decoder of bytes: its windows, the places that see nothing of what follows, its file, and fine-tuning."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from bilinear.layers import STLConfig, STLLinear
from examples.language import decoder
from examples.language.decoder import ModelError, Recipe
from examples.language.fine_tuning import Experiment, basis_of, converted, in_blocks, tuned
from examples.language.text import TextError
from examples.models import Decoder

CONFIG = STLConfig(force=True, tile=4, rank=24, learnable_basis=True)
TEXT = decoder.as_bytes("it", "All work and no play makes Jack a dull boy. " * 60, 16)


def small(seed: int = 0) -> Decoder:
    return decoder.fresh(16, 1, 2, seed)


def pieces(data: Tensor, count: int, seed: int = 0) -> Tensor:
    return decoder.windows(data, count, 16, torch.Generator().manual_seed(seed))


def test_a_text_in_bytes() -> None:
    text = decoder.as_bytes("it", "aé" * 100, 4)
    assert text.train[:3].tolist() == list("aé".encode())
    assert (len(text.train), len(text.held_out)) == (270, 30)


def test_a_text_that_is_too_short() -> None:
    with pytest.raises(TextError, match="it: 100 bytes; at least 180 are needed"):
        decoder.as_bytes("it", "a" * 100, 16)


def test_windows_are_pieces_of_the_text() -> None:
    found = pieces(torch.arange(18), 64)
    assert {int(start) for start in found[:, 0]} == {0, 1}
    assert (found.diff(dim=1) == 1).all()


@pytest.mark.parametrize("every", [1, 4])
def test_the_loss_is_that_of_every_fourth_byte(every: int) -> None:
    model, x = small(), pieces(TEXT.train, 3)
    logits = model(x[:, :-1])
    each = functional.cross_entropy(logits.mT, x[:, 1:], reduction="none")
    torch.testing.assert_close(decoder.loss(model, x, every), each[:, every - 1 :: every].mean())


def test_the_last_place_of_a_tile_sees_nothing_of_what_follows_and_others_do() -> None:
    model, x = converted(small(), CONFIG, None).eval(), pieces(TEXT.train, 1)[:, :-1]
    before = model(x)
    seen = torch.zeros(16, 16, dtype=torch.bool)
    for place in range(16):
        changed = x.clone()
        changed[0, place] = (changed[0, place] + 77) % 256
        seen[:, place] = (model(changed) != before).any(dim=2)[0]
    later = seen.triu(1)
    assert not later[3::4].any()
    assert later[:3, 1:4].any()


def test_a_decoder_learns_and_the_same_seed_learns_the_same() -> None:
    models = [small(), small()]
    before = decoder.held_out_loss(models[0], pieces(TEXT.held_out, 8))
    for model in models:
        decoder.train(model, TEXT.train, Recipe(steps=40, rate=1e-2, batch=4, length=16))
    assert decoder.held_out_loss(models[0], pieces(TEXT.held_out, 8)) < 0.7 * before
    assert all(torch.equal(*pair) for pair in zip(*(model.parameters() for model in models), strict=True))


@pytest.mark.parametrize("learned", [False, True])
def test_fine_tuning_betters_a_copy_and_its_basis_where_that_is_learned(learned: bool) -> None:
    dense = small()
    decoder.train(dense, TEXT.train, Recipe(steps=60, rate=1e-2, batch=8, length=16))
    experiment = Experiment(TEXT, pieces(TEXT.held_out, 8), pieces(TEXT.train, 8), Recipe(30, 5e-3, 8, 16, 4))
    model = converted(dense, CONFIG, None)
    known = [parameter.detach().clone() for parameter in model.parameters()]
    bases = [basis.detach().clone() for basis in basis_of(model)]
    before, after = tuned(model, experiment, learned, lambda: None)
    assert after < before
    assert len(bases) == 4 * 2
    assert all(torch.equal(*pair) for pair in zip(model.parameters(), known, strict=True))
    copied = copy.deepcopy(model)
    for basis in basis_of(copied):
        basis.requires_grad_(learned)
    decoder.train(copied, TEXT.train, experiment.tuning, list(basis_of(copied)))
    changed = [not torch.equal(*pair) for pair in zip(basis_of(copied), bases, strict=True)]
    assert all(changed) if learned else not any(changed)


def test_the_layers_of_the_blocks_are_converted() -> None:
    model = converted(small(), CONFIG, pieces(TEXT.train, 4)[:, :-1])
    names = {name for name, module in model.named_modules() if isinstance(module, STLLinear)}
    assert names == {f"blocks.0.{name}" for name in ("attention.qkv", "attention.proj", "up", "down")}
    assert not in_blocks(model.head, "head")


@pytest.mark.parametrize("tied", [False, True])
def test_a_decoder_from_its_file(tmp_path: Path, tied: bool) -> None:
    model, path = decoder.fresh(16, 2, 2, seed=5), tmp_path / "it.safetensors"
    state = {name: tensor.clone() for name, tensor in model.state_dict().items() if tied or name != "head.weight"}
    save_file(state, path)
    loaded, x = decoder.load(path, heads=2), pieces(TEXT.train, 2)[:, :-1]
    assert torch.equal(loaded(x), model(x))
    assert loaded.head.weight is loaded.embedding.weight


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        ({"embedding.weight": torch.zeros(99, 16)}, r"an embedding of shape \(99, 16\); one of 256 bytes is needed"),
        ({"embedding.weight": torch.zeros(256)}, r"an embedding of shape \(256,\)"),
        ({"blocks.0.up.weight": torch.zeros(3, 16)}, r"blocks\.0\.up\.weight has shape \(3, 16\), the decoder needs"),
        ({"more": torch.zeros(3)}, r"more has shape \(3,\), the decoder needs None"),
        ({"norm.bias": None}, r"norm\.bias has shape None, the decoder needs \(16,\)"),
        ({"head.weight": torch.zeros(256, 16)}, "an output layer of its own; one tied to the embedding is needed"),
        ({"norm.bias": torch.full((16,), torch.nan)}, r"norm\.bias holds a number that is not finite"),
        ({"blocks.9999999.up.bias": torch.zeros(3)}, r"blocks\.1\."),
    ],
)
def test_files_that_hold_no_such_decoder(tmp_path: Path, spoil: dict[str, Tensor | None], text: str) -> None:
    state = {name: tensor.clone() for name, tensor in small().state_dict().items()} | spoil
    path = tmp_path / "it.safetensors"
    save_file({name: tensor for name, tensor in state.items() if tensor is not None}, path)
    with pytest.raises(ModelError, match=f"it.safetensors: {text}"):
        decoder.load(path, heads=2)


def test_files_that_are_no_models(tmp_path: Path) -> None:
    path = tmp_path / "it.safetensors"
    with pytest.raises(ModelError, match="a safetensors file with a decoder's state is needed"):
        decoder.load(path, heads=2)
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(ModelError, match="a safetensors file with a decoder's state is needed"):
        decoder.load(path, heads=2)


@pytest.mark.parametrize(("width", "depth", "heads"), [(0, 1, 1), (16, 0, 2), (16, 1, 3), (18, 1, 6)])
def test_sizes_that_make_no_decoder(width: int, depth: int, heads: int) -> None:
    with pytest.raises(ModelError, match="the width must be a multiple of twice the heads"):
        decoder.fresh(width, depth, heads, seed=0)
