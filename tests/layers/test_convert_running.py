"""Converted models under torch's compilers and in several processes."""

from __future__ import annotations

import os
import socket

import pytest
import torch
import torch.multiprocessing as processes
from layer_cases import normal
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from bilinear.layers import STLConfig, convert_
from examples.models import Decoder, DecoderConfig

CONFIG = STLConfig(force=True, tile=2, rank=6, learnable_basis=True)
TOKENS = torch.arange(16).reshape(2, 8)


def decoder() -> nn.Module:
    torch.manual_seed(0)
    model = Decoder(DecoderConfig(vocabulary=16, width=8, depth=1, heads=2))
    convert_(model, CONFIG)
    return model


def image_model() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5))
    convert_(model, CONFIG)
    return model


CASES = [(decoder, TOKENS), (image_model, normal(2, 3, 8, 8, dtype=torch.float32))]


@pytest.mark.parametrize(("build", "x"), CASES, ids=["decoder", "convolution"])
def test_compiled(build, x):
    model = build()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), model(x))
    compiled(x).square().sum().backward()


@pytest.mark.parametrize(("build", "x"), CASES, ids=["decoder", "convolution"])
def test_exported(build, x):
    model = build().eval()
    torch.testing.assert_close(torch.export.export(model, (x,)).module()(x), model(x))


def gradients(model: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
    model(x).square().mean().backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def work(rank: int, port: int, folder: str) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    distributed.init_process_group("gloo", rank=rank, world_size=2)
    model = DistributedDataParallel(decoder())
    torch.save(gradients(model, TOKENS[rank : rank + 1]), os.path.join(folder, f"{rank}.pt"))  # noqa: PTH118
    del model  # before the group that its reducer talks through: the other way round it can wait for ever
    distributed.barrier()
    distributed.destroy_process_group()


def test_two_processes_have_the_gradients_of_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes.spawn(work, (port, str(tmp_path)), nprocs=2)
    expected = gradients(decoder(), TOKENS)
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for name, grad in expected.items():
            torch.testing.assert_close(found[f"module.{name}"], grad)
