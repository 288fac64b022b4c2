"""A byte-level decoder: its text, its loss, its training, and its file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from bilinear.decompositions import memory
from bilinear.decompositions.errors import BilinearError
from examples.language.text import HELD_OUT, TextError
from examples.models import Decoder, DecoderConfig

BYTES = 256
BETAS = (0.9, 0.95)
BASIS_RATE = 0.1
"""Rate of changes of basis, relative to that of the weights."""
BYTES_A_TOKEN = 8


class ModelError(BilinearError):
    """A file holds no decoder, or sizes do not make one."""


class Text(NamedTuple):
    """Bytes as numbers, shape (bytes,): the first nine tenths, and the rest, which nothing is trained on."""

    train: Tensor
    held_out: Tensor


@dataclass(frozen=True)
class Recipe:
    """How long and how fast a decoder learns.

    Attributes:
        steps: Changes of the weights.
        rate: Of AdamW, falling to 0 along a cosine; changes of basis learn at `BASIS_RATE` times that.
        batch: Windows a step.
        length: Bytes of a window.
        every: See `loss`.
        seed: Of the windows.
    """

    steps: int
    rate: float
    batch: int = 16
    length: int = 64
    every: int = 1
    seed: int = 0


def as_bytes(source: str, text: str, length: int) -> Text:
    """The text in UTF-8.

    Raises:
        TextError: If a part has no window of `length` bytes and one more.
        TooLargeError: If memory does not suffice.
    """
    data = text.encode()
    memory.require(BYTES_A_TOKEN * len(data), f"{source}: {len(data)} bytes as numbers")
    numbers = torch.frombuffer(bytearray(data), dtype=torch.uint8).long() if data else torch.zeros(0, dtype=torch.long)
    cut = len(numbers) - round(HELD_OUT * len(numbers))
    if len(numbers) - cut < length + 2:
        raise TextError(f"{source}: {len(numbers)} bytes; at least {round((length + 2) / HELD_OUT)} are needed")
    return Text(numbers[:cut], numbers[cut:])


def windows(data: Tensor, count: int, length: int, generator: torch.Generator) -> Tensor:
    """Pieces of the text, shape (count, length + 1)."""
    starts = torch.randint(len(data) - length, (count,), generator=generator)
    return data[starts[:, None] + torch.arange(length + 1)]


def loss(model: nn.Module, pieces: Tensor, every: int = 1) -> Tensor:
    """Mean cross-entropy of the next byte in nats, at the last of each `every` places.

    An STL layer with tiles of `every` tokens mixes the tokens of a tile, and a place before the last of its tile sees
    bytes behind it; the last one does not, in no layer.

    Args:
        model: From (batch, length) to logits.
        pieces: Shape (batch, length + 1), the length a multiple of `every`.
        every: Tokens of a tile, or 1.
    """
    logits = model(pieces[:, :-1])[:, every - 1 :: every]
    return functional.cross_entropy(logits.flatten(0, 1), pieces[:, every::every].flatten())


@torch.no_grad()
def held_out_loss(model: nn.Module, pieces: Tensor, every: int = 1) -> float:
    """`loss` in evaluation mode."""
    return float(loss(model.eval(), pieces, every))


def train(
    model: nn.Module,
    data: Tensor,
    recipe: Recipe,
    basis: Iterable[nn.Parameter] = (),
    heard: Callable[[], None] = lambda: None,
) -> None:
    """Train all parameters that ask for a gradient.

    Args:
        model: Changed in place.
        data: To train on.
        recipe: How.
        basis: Those parameters that are changes of basis.
        heard: Called behind each step.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    slow = {id(parameter) for parameter in basis}
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learned if id(p) not in slow], "lr": recipe.rate},
        {"params": [p for p in learned if id(p) in slow], "lr": BASIS_RATE * recipe.rate, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW([group for group in groups if group["params"]], betas=BETAS)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / recipe.steps)
    )
    model.train()
    for _ in range(recipe.steps):
        optimiser.zero_grad()
        loss(model, windows(data, recipe.batch, recipe.length, generator), recipe.every).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        heard()


def fresh(width: int, depth: int, heads: int, seed: int) -> Decoder:
    """A decoder of bytes with random weights.

    Raises:
        ModelError: If a size is below 1, or the width of a head is odd.
    """
    if min(width, depth, heads) < 1 or width % (2 * heads):
        raise ModelError(
            f"width {width}, depth {depth}, {heads} heads; the width must be a multiple of twice the heads"
        )
    torch.manual_seed(seed)
    return Decoder(DecoderConfig(BYTES, width, depth, heads))


def load(path: Path, heads: int) -> Decoder:
    """The decoder of bytes in a safetensors file of its state, its width and depth taken from the shapes.

    Raises:
        ModelError: If the file is missing or damaged, or a tensor is missing, one too many, of another shape or not
            finite.
        TooLargeError: If memory does not suffice.
    """
    try:
        with safe_open(path, framework="pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            model = _of_shapes(path, shapes, heads)
            state = {name: file.get_tensor(name) for name in shapes}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: {error}; a safetensors file with a decoder's state is needed") from error
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path}: {name} holds a number that is not finite; train it anew")
    own = state.setdefault("head.weight", state["embedding.weight"])
    if not torch.equal(own, state["embedding.weight"]):
        raise ModelError(f"{path}: an output layer of its own; one tied to the embedding is needed")
    model.load_state_dict(state)
    return model


def _of_shapes(path: Path, shapes: dict[str, tuple[int, ...]], heads: int) -> Decoder:
    """A decoder whose tensors have these shapes; the output layer's is the embedding's."""
    embedding = shapes.get("embedding.weight", ())
    if len(embedding) != 2 or embedding[0] != BYTES:
        raise ModelError(f"{path}: an embedding of shape {embedding}; one of {BYTES} bytes is needed")
    blocks = {name.split(".")[1] for name in shapes if name.startswith("blocks.")}
    memory.require(4 * sum(math.prod(shape) for shape in shapes.values()), f"{path}: its tensors")
    model = fresh(embedding[1], len(blocks), heads, seed=0)
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if "head.weight" not in shapes:
        del wanted["head.weight"]
    for name in sorted({*wanted, *shapes}):
        if shapes.get(name) != wanted.get(name):
            raise ModelError(f"{path}: {name} has shape {shapes.get(name)}, the decoder needs {wanted.get(name)}")
    return model
