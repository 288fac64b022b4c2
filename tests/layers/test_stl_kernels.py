"""The compiled kernels compute what torch's own operations do, with gradients, in panels, and inside a layer."""

from __future__ import annotations

import subprocess
import sys

import pytest
import stl_kernel_cases as cases
import torch
from layer_cases import EXACT, linear, normal
from torch.autograd import gradgradcheck
from torch.utils.flop_counter import FlopCounterMode

from bilinear.layers import STLLinear
from bilinear.layers.kernels import cpu, decode, dispatch, encode, multiply, multiply_chained, multiply_shared, plain


@pytest.fixture
def always(monkeypatch):
    """Matrices of every size go through the compiled kernels."""
    monkeypatch.setattr(dispatch, "LEAST", 0)


@pytest.mark.parametrize("dtype", cpu.DTYPES)
def test_the_kernels_equal_torch(dtype):
    cases.check_values(cpu.COMPILED, dtype)


@pytest.mark.parametrize("dtype", cpu.DTYPES)
def test_gradients_equal_torch(dtype):
    cases.check_gradients(cpu.COMPILED, dtype)


def test_torch_accepts_the_operators():
    cases.check_operators(cpu.COMPILED)
    u, weight, w, bias = normal(4, 4), normal(4, 3, 5), normal(6, 4), normal(15)
    found = torch.library.opcheck(cpu.multiply, (normal(6, 6), u, weight, w, [2, 2, 3], bias))
    assert set(found.values()) == {"SUCCESS"}


def test_second_gradients():
    x, u, *_ = (t.requires_grad_() for t in cases.operands())
    assert gradgradcheck(lambda x, u: cpu.COMPILED.encode(x, u, 2, 3), (x, u))


@pytest.mark.parametrize("workspace", [1, 100, 1 << 23])
def test_panels_give_the_product(always, monkeypatch, workspace):
    monkeypatch.setattr(cpu, "WORKSPACE", workspace)
    x, u, weight, w, bias = normal(14, 9), normal(5, 6), normal(5, 3, 4), normal(8, 5), normal(16)
    expected = plain.decode(torch.bmm(plain.encode(x, u, (2, 3)), weight), w, (2, 4), bias, "relu")
    torch.testing.assert_close(multiply(x, u, weight, w, (2, 3, 4), bias, "relu"), expected)


@pytest.mark.parametrize("name", sorted(EXACT))
def test_a_layer_computes_the_same_with_and_without_kernels(monkeypatch, name):
    layer = STLLinear.from_linear(linear(13, 11), EXACT[name], learnable_basis=True)
    x = normal(3, 7, 13)
    results = []
    for least in (1 << 40, 0):
        monkeypatch.setattr(dispatch, "LEAST", least)
        layer.zero_grad()
        layer(x).square().sum().backward()
        with torch.no_grad():
            y = layer(x)
        results.append([y] + [p.grad.clone() for p in layer.parameters() if p.grad is not None])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


def test_small_matrices_and_half_precision_stay_with_torch(monkeypatch):
    def refuse(*_):
        raise AssertionError("a compiled kernel was called")

    monkeypatch.setattr(cpu, "encode_into", refuse)
    u = normal(7, 4, dtype=torch.float32)
    encode(normal(64, 64, dtype=torch.float32), u, (2, 2))
    encode(normal(1024, 1024, dtype=torch.bfloat16), u.bfloat16(), (2, 2))
    with pytest.raises(AssertionError, match="compiled kernel"):
        encode(normal(1024, 1024, dtype=torch.float32), u, (2, 2))


def test_autocast_gives_its_dtype(always):
    x, u = normal(8, 8, dtype=torch.float32), normal(7, 4, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        assert encode(x, u, (2, 2)).dtype == torch.bfloat16
        assert encode(x.double(), u.double(), (2, 2)).dtype == torch.float64


def test_strided_operands(always):
    x, u, w = normal(9, 8).mT, normal(6, 4).mT, normal(4, 6)
    hat = encode(x, u, (2, 3))
    torch.testing.assert_close(hat, plain.encode(x, u, (2, 3)))
    torch.testing.assert_close(decode(hat, w.mT, (2, 3)), plain.decode(hat, w.mT, (2, 3)))


def test_one_encoding_serves_several_weights(always):
    x, u, weights, decoders = normal(8, 6), normal(5, 4), [normal(5, 3, j) for j in (2, 4)], [normal(4, 5)] * 2
    biases = [None, normal(8)]
    found = multiply_shared(x, u, weights, decoders, [(2, 2, 2)] * 2, biases)
    for y, weight, w, bias in zip(found, weights, decoders, biases, strict=True):
        torch.testing.assert_close(y, multiply(x, u, weight, w, (2, 2, 2), bias))


@pytest.mark.parametrize("least", [0, 1 << 40])
def test_a_chain_is_two_layers(monkeypatch, least):
    monkeypatch.setattr(dispatch, "LEAST", least)
    first, second = (STLLinear.from_linear(linear(*sizes), EXACT["strassen"]) for sizes in ((6, 7), (7, 5)))
    x = normal(8, 6)
    products = torch.bmm(encode(x, first.encoder_x, (2, 2)), first.encoded_weight)
    bias = torch.nn.functional.pad(first.bias, (0, 1))
    hat = multiply_chained(products, first.decoder, (2, 2), bias, "gelu", second.encoder_x, (8, 7))
    y = decode(torch.bmm(hat, second.encoded_weight), second.decoder, (2, 2))[:, :5] + second.bias
    torch.testing.assert_close(y, second(torch.nn.functional.gelu(first(x))))


def test_the_flop_counter_sees_the_kernels(always):
    layer = STLLinear(8, 12, EXACT["strassen"])
    for tracked in (False, True):
        with torch.set_grad_enabled(tracked), FlopCounterMode(display=False) as counter:
            layer(torch.randn(6, 8))
        assert counter.get_total_flops() == layer.flops(6)


def test_compiled_layers_use_the_kernels(always):
    layer = STLLinear(10, 7, EXACT["strassen2"])
    x = normal(6, 10, dtype=torch.float32)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), layer(x), rtol=0, atol=0)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), layer(x), rtol=0, atol=0)


def test_importing_layers_compiles_nothing_and_needs_no_triton():
    code = (
        "import sys; sys.modules['triton'] = None; import bilinear.layers\n"
        "print('bilinear.layers.kernels.cpu_code' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
