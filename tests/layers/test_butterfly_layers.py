"""`ButterflyLinear` and `MonarchLinear` against dense products, known transforms, and what must be refused."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import linear, normal
from safetensors.torch import load, save
from torch import nn

from bilinear.decompositions.transforms import construct, parse_transform
from bilinear.discover.transforms.hierarchical import Hierarchical
from bilinear.layers import LayerError
from bilinear.layers.butterfly import ButterflyLinear, MonarchLinear
from bilinear.layers.butterfly.factors import butterfly_shapes, groups, joined, mixed
from bilinear.layers.butterfly.stages import Mixing

REAL = ("hadamard", "hartley", "dct-ii", "dct-iii", "dst-ii")
F64 = torch.float64
sizes = st.integers(1, 40)


def made(kind: str, rows: int, columns: int, **options: object) -> ButterflyLinear | MonarchLinear:
    torch.manual_seed(0)
    return (ButterflyLinear if kind == "butterfly" else MonarchLinear)(columns, rows, dtype=F64, **options)


@pytest.mark.parametrize("kind", ["butterfly", "monarch"])
@given(sizes, sizes, st.booleans())
@settings(max_examples=25, deadline=None)
def test_any_sizes_give_the_product_with_the_dense_weight(kind: str, rows: int, columns: int, bias: bool) -> None:
    layer, x = made(kind, rows, columns, bias=bias), normal(2, 3, columns)
    weight = layer.dense_weight()
    assert weight.shape == (rows, columns)
    torch.testing.assert_close(layer(x), nn.functional.linear(x, weight, layer.bias))


@given(sizes, sizes, st.integers(1, 5), st.integers(2, 4))
@settings(max_examples=40, deadline=None)
def test_factors_are_those_of_numpy_and_blocks_have_the_rank(rows: int, columns: int, rank: int, radix: int) -> None:
    """Every stage alone is `ButterflyFactor.apply`, and levels joined are levels applied."""
    from bilinear.decompositions.transforms import ButterflyFactor

    torch.manual_seed(0)
    blocks = [torch.randn(shape, dtype=F64) for shape in butterfly_shapes(columns, rows, rank, radix)]
    x = normal(5, math.prod(blocks[0].shape[i] for i in (0, 2, 4, 5)))
    product = x
    for factor in blocks:
        expected = ButterflyFactor(factor.numpy()).apply(product.numpy().T).T
        product = mixed(product, factor)
        np.testing.assert_allclose(product, expected, atol=1e-9 * max(1.0, np.abs(expected).max()))
    for first, second in zip(blocks, blocks[1:], strict=False):
        start = normal(3, math.prod(first.shape[i] for i in (0, 2, 4, 5)))
        torch.testing.assert_close(mixed(start, joined(first, second)), mixed(mixed(start, first), second))


def test_groups_are_few_and_even() -> None:
    assert groups(butterfly_shapes(1024, 1024, 1, 2)) == [5, 5]
    assert groups(butterfly_shapes(64, 64, 1, 2)) == [3, 3]
    assert sum(groups(butterfly_shapes(100, 3, 2, 2))) == 7


def test_numbers_of_parameters() -> None:
    assert ButterflyLinear(256, 256).weight_parameters() == 2 * 256 * 8
    assert MonarchLinear(256, 256).weight_parameters() == 2 * 256 * 16
    assert MonarchLinear(256, 256, blocks=(8, 4), rank=3).weight_parameters() == 3 * (8 + 4) * 256


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("size", [8, 60, 64])
def test_a_recovered_transform_is_computed(name: str, size: int) -> None:
    if name == "hadamard" and size == 60:
        pytest.skip("a power of two is needed")
    transform = parse_transform(name, size)
    layer = ButterflyLinear.from_transform(Hierarchical().solve(transform).fast, dtype=F64)
    x = normal(7, size)
    np.testing.assert_allclose(layer(x).detach(), x.numpy() @ transform.matrix.T, atol=1e-9)
    assert layer.weight_parameters() < size * size or size == 8


def test_it_goes_on_learning_from_a_transform() -> None:
    layer = ButterflyLinear.from_transform(construct("hadamard", 16), bias=True, dtype=F64)
    layer(normal(4, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layer.parameters())


@pytest.mark.parametrize(("name", "rank"), [("hadamard", 1), ("hartley", 2)])
def test_monarch_projects_transforms_exactly(name: str, rank: int) -> None:
    """Hadamard's in its natural order, Hartley's with every eighth column in one run."""
    matrix = torch.tensor(parse_transform(name, 64).matrix, dtype=F64)
    if name == "hartley":
        matrix = matrix.reshape(64, 8, 8).transpose(1, 2).reshape(64, 64)
    dense = linear(64, 64)
    dense.weight.data = matrix
    layer = MonarchLinear.from_linear(dense, rank=rank)
    torch.testing.assert_close(layer.dense_weight(), matrix, atol=1e-10, rtol=0)
    torch.testing.assert_close(layer.bias, dense.bias)


@given(sizes, sizes, st.integers(1, 6), st.integers(1, 6), st.data())
@settings(max_examples=25, deadline=None)
def test_monarch_projection_is_the_nearest(rows: int, columns: int, r: int, c: int, data: st.DataObject) -> None:
    """Full rank gives the weight back; a lower one leaves the singular values that are cut, and none is nearer."""
    grid = min(r, rows), min(c, columns)
    most = min(-(-rows // grid[0]), -(-columns // grid[1]))
    dense = linear(columns, rows)
    whole = MonarchLinear.from_linear(dense, blocks=grid, rank=most)
    torch.testing.assert_close(whole.dense_weight(), dense.weight.detach())
    rank = data.draw(st.integers(1, most))
    near = MonarchLinear.from_linear(dense, blocks=grid, rank=rank)
    rest = torch.linalg.matrix_norm(near.dense_weight() - dense.weight)
    torch.manual_seed(data.draw(st.integers(0, 99)))
    with torch.no_grad():
        for factor in near.factors():
            factor += 1e-3 * torch.randn_like(factor)
    assert torch.linalg.matrix_norm(near.dense_weight() - dense.weight) >= rest - 1e-12


@pytest.mark.parametrize(("rows", "columns"), [(16, 16), (10, 13), (3, 30)])
def test_a_dense_weight_at_full_block_rank_is_kept(rows: int, columns: int) -> None:
    dense = linear(columns, rows)
    layer = ButterflyLinear.from_linear(dense, rank=32)
    torch.testing.assert_close(layer(normal(4, columns)), dense(normal(4, columns)))
    low = ButterflyLinear.from_linear(dense, rank=1)
    assert 0 < torch.linalg.matrix_norm(low.dense_weight() - dense.weight) < torch.linalg.matrix_norm(dense.weight)


@pytest.mark.parametrize("kind", ["butterfly", "monarch"])
def test_a_fresh_layer_has_the_variance_of_a_linear_one(kind: str) -> None:
    for rows, columns in ((256, 256), (100, 300), (300, 100)):
        x = normal(2000, columns)
        found = made(kind, rows, columns, bias=False)(x)
        assert found.std().item() == pytest.approx(3**-0.5, rel=0.15)


@pytest.mark.parametrize("kind", ["butterfly", "monarch"])
def test_gradients(kind: str) -> None:
    layer, x = made(kind, 6, 5, rank=2), normal(3, 5).requires_grad_()
    assert torch.autograd.gradcheck(layer, (x,))
    parameters = {name: p.detach().requires_grad_() for name, p in layer.named_parameters()}
    names = tuple(parameters)
    assert torch.autograd.gradcheck(
        lambda *values: torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x.detach(),)),
        tuple(parameters.values()),
    )


@pytest.mark.parametrize("kind", ["butterfly", "monarch"])
def test_state_through_safetensors(kind: str) -> None:
    layer, x = made(kind, 12, 20), normal(3, 20)
    other = type(layer)(20, 12, dtype=F64)
    other.load_state_dict(load(save(layer.state_dict())))
    assert torch.equal(layer(x), other(x))


def test_a_state_alone_gives_the_layer() -> None:
    fast = Hierarchical().solve(parse_transform("dct-ii", 16)).fast
    for layer in (ButterflyLinear.from_transform(fast, bias=True, dtype=F64), made("butterfly", 9, 20, rank=2)):
        again = ButterflyLinear.from_state(load(save(layer.state_dict())), layer.in_features, layer.out_features)
        x = normal(3, layer.in_features)
        assert torch.equal(layer(x), again(x))


def test_fused_levels_compute_the_same() -> None:
    layer = made("butterfly", 64, 64)
    fused = layer.fused()
    assert len(fused.stages) == 2
    torch.testing.assert_close(fused(normal(3, 64)), layer(normal(3, 64)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["butterfly", "monarch"])
def test_compiled(kind: str) -> None:
    layer, x = made(kind, 12, 20), normal(3, 20)
    torch.testing.assert_close(torch.compile(layer, fullgraph=True)(x), layer(x))


@pytest.mark.parametrize("kind", ["butterfly", "monarch"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dtypes_and_empty_batches(kind: str, dtype: torch.dtype) -> None:
    layer = made(kind, 12, 20).to(dtype)
    assert layer(torch.zeros(0, 20, dtype=dtype)).shape == (0, 12)
    assert layer(normal(3, 20, dtype=dtype)).dtype == dtype
    torch.testing.assert_close(
        layer(normal(3, 20, dtype=dtype)).double(),
        layer.double()(normal(3, 20, dtype=dtype).double()),
        rtol=0.1,
        atol=0.1,
    )


def complex_linear() -> nn.Linear:
    return nn.Linear(4, 4, dtype=torch.complex64)


def infinite_linear() -> nn.Linear:
    dense = linear(4, 4)
    dense.weight.data[0, 0] = math.inf
    return dense


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ButterflyLinear(0, 4), r"ButterflyLinear\(0 -> 4\): a size is below 1"),
        (lambda: ButterflyLinear(4, 4, rank=0), "rank 0, radix 2; at least 1 and 2 are needed"),
        (lambda: ButterflyLinear(4, 4, radix=1), "rank 1, radix 1; at least 1 and 2 are needed"),
        (lambda: ButterflyLinear(4, 4, dtype=torch.complex64), "torch.complex64; float32"),
        (lambda: MonarchLinear(4, 4, dtype=torch.int64), "torch.int64; float32"),
        (lambda: MonarchLinear(4, 4, blocks=5), "a grid of 5 x 5 blocks; from 1 x 1 to 4 x 4 is needed"),
        (lambda: MonarchLinear(4, 4, rank=3), "rank 3 of blocks of 2 x 2; 1 to 2 is needed"),
        (lambda: ButterflyLinear.from_transform(construct("dft", 8)), "a complex factor; the layer holds real numbers"),
        (lambda: MonarchLinear.from_linear(complex_linear()), "a weight of torch.complex64; MonarchLinear holds real"),
        (lambda: ButterflyLinear.from_linear(complex_linear()), "a weight of torch.complex64; ButterflyLinear holds"),
        (lambda: MonarchLinear.from_linear(infinite_linear()), "its weight holds a number that is not finite"),
        (lambda: ButterflyLinear.from_linear(linear(4, 4), rank=0), "rank 0; at least 1 is needed"),
        (lambda: MonarchLinear.from_linear(nn.ReLU()), "MonarchLinear: ReLU; a torch.nn.Linear is needed"),
        (lambda: ButterflyLinear.from_state({}, 4, 4), r"a state with \[\]; stages.0"),
        (
            lambda: ButterflyLinear.from_state({"stages.0.indices": torch.tensor([4])}, 4, 1),
            "stages.0.indices selects from 4 numbers; int64 positions below 4",
        ),
        (lambda: ButterflyLinear.from_state({"stages.0.blocks": torch.zeros(4)}, 4, 4), "blocks with six axes"),
        (
            lambda: ButterflyLinear.from_state({"stages.0.blocks": torch.zeros(2, 1, 1, 1, 1, 1)}, 4, 4),
            "its factors take 2 and make 2 numbers",
        ),
        (
            lambda: ButterflyLinear.from_stages([Mixing(torch.zeros(k, 1, 1, 1, 1, 1)) for k in (4, 2)], (4, 2), None),
            "a factor makes 4 numbers, the next takes 2",
        ),
    ],
)
def test_layers_that_cannot_be_built(make, text) -> None:
    with pytest.raises(LayerError, match=text):
        make()


@pytest.mark.parametrize("kind", ["butterfly", "monarch"])
@pytest.mark.parametrize(
    ("x", "text"),
    [
        (torch.zeros(3, 5), r"input of shape \(3, 5\); the last axis must be 4"),
        (torch.zeros(3, 4), "input of torch.float32, the layer is torch.float64; convert one"),
        (torch.zeros(3, 4, dtype=F64, device="meta"), "input on meta, the layer on cpu; move one"),
    ],
)
def test_input_that_does_not_fit(kind: str, x: torch.Tensor, text: str) -> None:
    with pytest.raises(LayerError, match=text):
        made(kind, 4, 4)(x)


def test_a_layer_of_no_memory() -> None:
    assert ButterflyLinear(4096, 1000, device="meta").weight_parameters() < 2 * 4096 * 12
