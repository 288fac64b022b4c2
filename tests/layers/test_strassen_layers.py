"""StrassenNets layers: what they compute, their phases, and what learns in each."""

from __future__ import annotations

import pytest
import torch
from layer_cases import normal
from torch import nn
from torch.nn import functional

from bilinear.decompositions import parse_target, standard, strassen
from bilinear.discover.ternary import ternary_scaled, ternary_signs
from bilinear.layers import (
    LayerError,
    Phase,
    StrassenConv1d,
    StrassenConv2d,
    StrassenConv3d,
    StrassenHighway,
    StrassenLinear,
    StrassenLSTM,
    distillation_loss,
    set_phase,
)

CONVS = {1: StrassenConv1d, 2: StrassenConv2d, 3: StrassenConv3d}
DENSE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def freeze(layer, phase=Phase.FROZEN):
    layer.to_phase(Phase.QUANTISED)
    layer.to_phase(phase)
    return layer


def test_the_quantiser_against_numbers_done_by_hand():
    weights = torch.tensor([[0.1, -2.0, 1.0], [0.3, 0.0, -0.6]])  # mean 2/3, cut 0.466...
    assert ternary_signs(weights, (0, 1)).tolist() == [[0, -1, 1], [0, 0, -1]]
    torch.testing.assert_close(ternary_scaled(weights, (0, 1)), torch.tensor([[0, -1.2, 1.2], [0, 0, -1.2]]))


def test_strassens_scheme_is_a_strassen_layer():
    """With the factors of a scheme, y = D ((E_w vec A) * (E_x x)) is the product of A and the matrix x."""
    scheme = strassen()
    layer = StrassenLinear(4, 4, 7, bias=False, weights="encoded", dtype=torch.float64)
    a, x = normal(2, 2), normal(3, 2, 2, seed=1)
    factors = {"encoder_x": scheme.v, "encoder_w": scheme.u, "decoder": scheme.w.T}
    for name, factor in factors.items():
        setattr(layer, name, nn.Parameter(torch.tensor(factor, dtype=torch.float64)))
    layer.dense = nn.Parameter(a)
    for phase in Phase:
        layer.to_phase(phase)
        torch.testing.assert_close(layer(x.flatten(1)).reshape(3, 2, 2), a @ x)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize(("stride", "padding", "size"), [(1, 1, 6), (2, 1, 7), (1, 0, 5), (3, 2, 9)])
def test_a_convolution_of_full_rank_is_dense(axes, stride, padding, size):
    """One product for each input channel, kernel place and output channel: the standard algorithm, patch 1."""
    kernel = 3 if axes < 3 else 2
    weight, x = normal(2, 2, *(kernel,) * axes), normal(2, 2, *(size,) * axes, seed=1)
    taps = 2 * kernel**axes
    layer = CONVS[axes](2, 2, kernel, 2 * taps, stride=stride, padding=padding, normalise=False, dtype=torch.float64)
    with torch.no_grad():
        layer.encoder_x.copy_(torch.eye(taps).repeat(2, 1).reshape(layer.encoder_x.shape))
        layer.multipliers.copy_(weight.flatten())
        layer.decoder.copy_(torch.eye(2).repeat_interleave(taps, 0).reshape(layer.decoder.shape))
    torch.testing.assert_close(layer(x), DENSE[axes](x, weight, stride=stride, padding=padding))


@pytest.mark.parametrize("patch", [2, 3])
@pytest.mark.parametrize(("stride", "padding", "size"), [(1, 1, 6), (1, 1, 7), (2, 1, 9), (1, 0, 5)])
def test_patches_compute_what_single_outputs_do(patch, stride, padding, size):
    """The encoder of a patch that holds the shifted kernels gives the dense convolution, also at the borders."""
    weight, x = normal(1, 1, 3, 3), normal(2, 1, size, size, seed=1)
    layer = StrassenConv2d(
        1, 1, 3, patch**2, stride=stride, padding=padding, patch=patch, normalise=False, dtype=torch.float64
    )
    with torch.no_grad():
        layer.encoder_x.zero_()
        layer.decoder.zero_()
        for q in range(patch**2):
            i, j = divmod(q, patch)
            layer.encoder_x[q, 0, i * stride : i * stride + 3, j * stride : j * stride + 3] = weight[0, 0]
            layer.decoder[q, 0, i, j] = 1
    torch.testing.assert_close(layer(x), functional.conv2d(x, weight, stride=stride, padding=padding))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("patch", [1, 2])
def test_grouped_convolutions_have_the_dense_shape(axes, patch):
    x = normal(2, 4, *(5,) * axes)
    layer = CONVS[axes](4, 6, 3, 8, stride=2, padding=1, patch=patch, groups=2, dtype=torch.float64)
    expected = DENSE[axes](x, normal(6, 4, *(3,) * axes), stride=2, padding=1)
    assert layer(x).shape == expected.shape
    layer.eval()
    other = x.clone()
    other[:, 2:] += 1
    first = layer.encoder_x.shape[0] // 2
    with torch.no_grad():
        layer.decoder[first:] = 0
    assert torch.equal(layer(x), layer(other))


def layers() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    return {
        "linear": (StrassenLinear(6, 5, 4, dtype=torch.float64), normal(7, 6)),
        "linear-normalised": (StrassenLinear(6, 5, 4, normalise=True, dtype=torch.float64), normal(7, 6)),
        "linear-encoded": (StrassenLinear(6, 5, 4, weights="encoded", dtype=torch.float64), normal(7, 6)),
        "conv": (StrassenConv2d(2, 3, 3, 6, patch=2, dtype=torch.float64), normal(3, 2, 7, 7)),
        "conv-encoded": (
            StrassenConv1d(2, 3, 3, 6, weights="encoded", normalise=False, dtype=torch.float64),
            normal(3, 2, 7),
        ),
        "highway": (StrassenHighway(6, 4, dtype=torch.float64), normal(7, 6)),
        "lstm": (StrassenLSTM(6, 5, 4, dtype=torch.float64), normal(3, 2, 6)),
    }


def output(module, x):
    y = module(x)
    return y[0] if isinstance(y, tuple) else y


@pytest.mark.parametrize("name", layers())
def test_freezing_keeps_the_function(name):
    module, x = layers()[name]
    output(module, x)  # statistics of the batch normalisation
    set_phase(module, Phase.QUANTISED)
    output(module, x)
    module.eval()
    before = output(module, x)
    set_phase(module, Phase.FROZEN)
    torch.testing.assert_close(output(module, x), before)
    for part in module.modules():
        if hasattr(part, "ternary"):
            for matrix in part.ternary().values():
                assert set(matrix.unique().tolist()) <= {-1, 0, 1}


@pytest.mark.parametrize("name", layers())
@pytest.mark.parametrize("phase", Phase)
def test_what_learns_in_each_phase(name, phase):
    module, x = layers()[name]
    set_phase(module, phase)
    output(module, x).square().sum().backward()
    for key, parameter in module.named_parameters():
        latent = key.endswith(("encoder_x", "encoder_w", "decoder"))
        if latent and phase is Phase.FROZEN:
            assert parameter.grad is None
        elif not key.endswith("norm.weight"):
            assert parameter.grad is not None
            assert parameter.grad.abs().sum() > 0


def test_the_backward_pass_of_the_quantiser_is_the_identity():
    layer = StrassenLinear(6, 5, 4, dtype=torch.float64)
    x, grad = normal(7, 6), normal(7, 5, seed=1)
    layer.to_phase(Phase.QUANTISED)
    layer(x).backward(grad)
    quantised = ternary_scaled(layer.decoder.detach(), (0, 1))
    encoded = x @ ternary_scaled(layer.encoder_x.detach(), (0, 1)).mT * layer.multipliers.detach()
    torch.testing.assert_close(layer.decoder.grad, grad.mT @ encoded)
    torch.testing.assert_close(layer.encoder_x.grad, ((grad @ quantised) * layer.multipliers.detach()).mT @ x)


def test_a_fresh_layer_keeps_the_variance():
    x = torch.randn(2000, 256)
    assert StrassenLinear(256, 128, 512)(x).std().item() == pytest.approx(1, rel=0.1)
    assert StrassenLinear(8, 8, 512, weights="encoded")(x[:, :8]).std().item() == pytest.approx(1, rel=0.5)
    maps = torch.randn(8, 16, 16, 16)
    assert StrassenConv2d(16, 16, 3, 64, normalise=False)(maps).std().item() == pytest.approx(1, rel=0.2)


def test_the_lstm_is_torchs_at_full_rank():
    """Identity encoders and decoders cannot hold a dense matrix; the standard algorithm's factors can."""
    size = 3
    scheme = standard(parse_target(f"{size}x{size}x1"))
    own = StrassenLSTM(size, size, scheme.rank, dtype=torch.float64)
    dense = nn.LSTM(size, size, dtype=torch.float64)
    factors = [torch.tensor(f, dtype=torch.float64) for f in (scheme.u, scheme.v, scheme.w.T)]
    with torch.no_grad():
        dense.bias_hh_l0.zero_()
        for number, gate in enumerate(("input", "forget", "cell", "output")):
            rows = slice(number * size, (number + 1) * size)
            for layer, weight in (
                (own.from_input[gate], dense.weight_ih_l0),
                (own.from_hidden[gate], dense.weight_hh_l0),
            ):
                layer.encoder_x.copy_(factors[1])
                layer.multipliers.copy_(factors[0] @ weight[rows].flatten())
                layer.decoder.copy_(factors[2])
            own.from_input[gate].bias.copy_(dense.bias_ih_l0[rows])
    x = normal(5, 2, size)
    found, (hidden, cell) = own(x)
    expected, (their_hidden, their_cell) = dense(x)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close((hidden, cell), (their_hidden[0], their_cell[0]))
    first, state = own(x[:2])
    second, _ = own(x[2:], state)
    torch.testing.assert_close(torch.cat([first, second]), expected)


def test_a_fresh_highway_lets_its_input_through():
    x = normal(50, 8)
    y = StrassenHighway(8, 8, dtype=torch.float64)(x)
    assert functional.cosine_similarity(x.flatten(), y.flatten(), dim=0) > 0.9


def test_three_phases_learn_a_linear_map():
    """A layer with products to spare fits a ternary map after all phases, and better than a frozen random one."""
    torch.manual_seed(1)
    weight = torch.randint(-1, 2, (4, 6)).float()
    layer = StrassenLinear(6, 4, 24, bias=False)
    losses = {}
    for phase, steps, rate in ((Phase.FULL, 200, 1e-2), (Phase.QUANTISED, 400, 1e-2), (Phase.FROZEN, 200, 1e-2)):
        layer.to_phase(phase)
        optimiser = torch.optim.Adam([p for p in layer.parameters() if p.requires_grad], rate)
        for _ in range(steps):
            x = torch.randn(64, 6)
            loss = functional.mse_loss(layer(x), x @ weight.mT)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        losses[phase] = loss.item()
    assert losses[Phase.FULL] < 1e-2
    assert losses[Phase.FROZEN] < losses[Phase.QUANTISED]
    assert losses[Phase.FROZEN] < 0.25 * (weight.square().sum() / 4).item()


def test_distillation_against_its_definition():
    student, teacher, labels = normal(5, 3), normal(5, 3, seed=1), torch.tensor([0, 2, 1, 1, 0])
    log = functional.log_softmax(student / 2, 1)
    soft = -(functional.softmax(teacher / 2, 1) * log).sum(1).mean()
    hard = functional.cross_entropy(student, labels)
    torch.testing.assert_close(distillation_loss(student, labels, teacher, 0.3, 2.0), 0.7 * hard + 0.3 * 4 * soft)
    torch.testing.assert_close(distillation_loss(student, labels, teacher, 0.0), hard)


def test_no_gradient_flows_into_the_teacher():
    student, teacher = normal(5, 3).requires_grad_(), normal(5, 3, seed=1).requires_grad_()
    distillation_loss(student, torch.zeros(5, dtype=torch.long), teacher).backward()
    assert student.grad is not None
    assert teacher.grad is None


@pytest.mark.parametrize(
    ("shape", "share", "temperature", "text"),
    [
        ((5, 4), 0.5, 1.0, r"logits of shapes \(5, 3\) and \(5, 4\); both must be \(batch, classes\)"),
        ((5, 3), 1.5, 1.0, "a teacher's share of 1.5; it must be from 0 to 1"),
        ((5, 3), 0.5, 0.0, "a temperature of 0.0; it must be above 0"),
    ],
)
def test_distillation_of_wrong_input(shape, share, temperature, text):
    with pytest.raises(LayerError, match=text):
        distillation_loss(normal(5, 3), torch.zeros(5, dtype=torch.long), normal(*shape), share, temperature)


def test_phases_only_go_forward():
    layer = freeze(StrassenLinear(4, 4, 4))
    with pytest.raises(LayerError, match=r"StrassenLinear\(4 -> 4\): FROZEN, cannot go back to FULL; build it anew"):
        layer.to_phase(Phase.FULL)
    layer.to_phase(Phase.FROZEN)


def test_a_model_without_such_layers():
    with pytest.raises(LayerError, match="Linear: no StrassenNets layer in it"):
        set_phase(nn.Linear(2, 2), Phase.FROZEN)
    assert set_phase(nn.Sequential(StrassenLinear(2, 2, 2), StrassenHighway(2, 2)), Phase.QUANTISED) == 3


def test_numbers_that_are_not_finite_are_not_frozen():
    layer = StrassenLinear(4, 4, 4)
    with torch.no_grad():
        layer.decoder[0, 0] = float("nan")
    with pytest.raises(LayerError, match="decoder holds a number that is not finite; train it anew"):
        layer.to_phase(Phase.FROZEN)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: StrassenLinear(0, 4, 4), r"StrassenLinear\(0 -> 4\): a size is below 1"),
        (lambda: StrassenLinear(4, 4, 0), "rank 0; at least one product is needed"),
        (lambda: StrassenLinear(4, 4, 4, weights="dense"), "weights 'dense'; choose 'free' or 'encoded'"),
        (lambda: StrassenLinear(4, 4, 4, dtype=torch.complex64), "torch.complex64; a floating type is needed"),
        (lambda: StrassenConv2d(2, 2, 3, 4, stride=0), "a size is below 1, or a padding below 0"),
        (lambda: StrassenConv2d(2, 2, (3,), 4), r"StrassenConv2d: 1 sizes \(3,\); one or 2 are needed"),
        (lambda: StrassenConv2d(3, 2, 3, 4, groups=2), "2 groups do not divide 3 channels and rank 4"),
    ],
)
def test_layers_that_cannot_be_built(make, text):
    with pytest.raises(LayerError, match=text):
        make()


@pytest.mark.parametrize(
    ("layer", "x", "text"),
    [
        (StrassenLinear(4, 4, 4), torch.zeros(3, 5), r"input of shape \(3, 5\); the last axis must be 4"),
        (
            StrassenLinear(4, 4, 4),
            torch.zeros(3, 4, dtype=torch.int64),
            "input of torch.int64, the layer is torch.float32",
        ),
        (StrassenLinear(4, 4, 4), torch.zeros(3, 4, device="meta"), "input on meta, the layer on cpu; move one"),
        (StrassenConv2d(2, 2, 3, 4), torch.zeros(2, 8, 8), r"input of shape \(2, 8, 8\); 4 axes are needed"),
        (StrassenConv2d(2, 2, 3, 4), torch.zeros(1, 2, 2, 8), r"size \(2, 8\) is smaller than the kernel \(3, 3\)"),
        (StrassenLSTM(4, 4, 4), torch.zeros(3, 4), r"\(time, batch, 4\) is needed"),
    ],
)
def test_input_that_does_not_fit(layer, x, text):
    with pytest.raises(LayerError, match=text):
        layer(x)


def test_a_state_that_does_not_fit():
    with pytest.raises(LayerError, match=r"\(2, 4\) is needed twice"):
        StrassenLSTM(4, 4, 4)(torch.zeros(3, 2, 4), (torch.zeros(2, 4), torch.zeros(1, 4)))


@pytest.mark.parametrize("phase", Phase)
def test_empty_batches(phase):
    linear, conv, lstm = StrassenLinear(4, 3, 4, normalise=True), StrassenConv2d(2, 3, 3, 4), StrassenLSTM(4, 3, 4)
    for layer in (linear, conv, lstm):
        set_phase(layer, phase)
    assert linear(torch.zeros(0, 4)).shape == (0, 3)
    assert conv(torch.zeros(0, 2, 5, 5)).shape == (0, 3, 3, 3)
    assert lstm(torch.zeros(3, 0, 4))[0].shape == (3, 0, 3)
    assert lstm(torch.zeros(0, 2, 4))[0].shape == (0, 2, 3)


def test_memory_that_is_not_contiguous():
    layer, x = StrassenLinear(4, 3, 4, dtype=torch.float64), normal(4, 6)
    torch.testing.assert_close(layer(x.mT), layer(x.mT.contiguous()))
    conv, maps = StrassenConv2d(2, 3, 3, 4, dtype=torch.float64), normal(2, 6, 6, 2).permute(0, 3, 1, 2)
    torch.testing.assert_close(conv(maps), conv(maps.contiguous()))
