"""One hidden layer on small images: dense, butterfly, Monarch and low-rank hidden weights, at equal parameters.

    python examples/butterfly/compression.py
    python examples/butterfly/compression.py --cifar10 ~/data/cifar-10-batches-bin --hidden 1024 --epochs 20

Without --cifar10 the images are scikit-learn's digits (pip install scikit-learn), 8 x 8; with it, CIFAR-10's in grey,
32 x 32, from its binary version (data_batch_1.bin, ..., test_batch.bin), which holds no pickle.

Source:
    T. Dao et al., "Learning fast algorithms for linear transforms using butterfly factorizations", ICML 2019.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[2]))

from bilinear.layers.butterfly import ButterflyLinear, MonarchLinear
from examples.vision.data import cifar_arrays
from examples.vision.pictures import DataError

BATCH = 100
TESTED = 0.25
CLASSES = 10


class Images(NamedTuple):
    """Standardised pixels and labels.

    Attributes:
        x: Shape (images, pixels).
        y: Shape (images,).
        x_test: Images that are not trained on.
        y_test: Their labels.
    """

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


def digits() -> Images:
    """Scikit-learn's 1797 digits, a quarter of them for the test; the split is the same for every seed."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        sys.exit("the digits need scikit-learn, which is not here: pip install scikit-learn, or pass --cifar10 DIR")
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(pixels))
    cut = round(TESTED * len(order))
    return standardised(pixels[order[cut:]], labels[order[cut:]], pixels[order[:cut]], labels[order[:cut]])


def cifar10(folder: Path) -> Images:
    """CIFAR-10's binary files in grey."""
    try:
        x, y, x_test, y_test = cifar_arrays(folder)
    except DataError as error:
        sys.exit(str(error))
    return standardised(grey(x), y, grey(x_test), y_test)


def grey(x: np.ndarray) -> np.ndarray:
    """The mean of the channels, shape (images, pixels)."""
    return x.reshape(*x.shape[:2], -1).mean(axis=1)


def standardised(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> Images:
    """Mean 0 and deviation 1 over all training pixels."""
    mean, deviation = x.mean(), x.std()
    pixels = [torch.tensor((part - mean) / deviation, dtype=torch.float32) for part in (x, x_test)]
    return Images(pixels[0], torch.tensor(y), pixels[1], torch.tensor(y_test))


def low_rank(pixels: int, hidden: int, budget: int) -> nn.Sequential:
    """Two dense factors with at most the budget of numbers."""
    rank = max(1, budget // (pixels + hidden))
    return nn.Sequential(nn.Linear(pixels, rank, bias=False), nn.Linear(rank, hidden))


def narrow(pixels: int, budget: int) -> nn.Linear:
    """A dense layer of fewer hidden units, with at most the budget of numbers."""
    return nn.Linear(pixels, max(1, budget // pixels))


def hidden_layers(pixels: int, hidden: int) -> dict[str, Callable[[], nn.Module]]:
    """By name; all but the dense one have the numbers of the butterfly, or as many as fit below."""
    budget = ButterflyLinear(pixels, hidden, device="meta").weight_parameters()
    side = max(1, budget // (pixels + hidden))
    return {
        "dense": lambda: nn.Linear(pixels, hidden),
        "butterfly": lambda: ButterflyLinear(pixels, hidden),
        "monarch": lambda: MonarchLinear(pixels, hidden, blocks=side),
        "low rank": lambda: low_rank(pixels, hidden, budget),
        "dense, narrow": lambda: narrow(pixels, budget),
    }


def accuracy(make: Callable[[], nn.Module], images: Images, seed: int, epochs: int, rate: float) -> tuple[int, float]:
    """Numbers in the hidden weight, and the share of test images classified rightly after training."""
    torch.manual_seed(seed)
    layer = make()
    width = layer(images.x[:1]).shape[1]
    model = nn.Sequential(layer, nn.ReLU(), nn.Linear(width, CLASSES))
    optimiser = torch.optim.Adam(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for _ in range(epochs):
        for batch in torch.randperm(len(images.x)).split(BATCH):
            optimiser.zero_grad()
            functional.cross_entropy(model(images.x[batch]), images.y[batch]).backward()
            optimiser.step()
        schedule.step()
    with torch.inference_mode():
        right = (model(images.x_test).argmax(1) == images.y_test).float().mean().item()
    return sum(p.numel() for name, p in layer.named_parameters() if not name.endswith("bias")), right


def main() -> None:
    """Train every hidden layer with every seed; print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cifar10", type=Path, metavar="DIR", help="CIFAR-10's binary files instead of the digits")
    parser.add_argument("--hidden", type=int, default=64, help="hidden units")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rate", type=float, default=5e-3, help="of Adam, falling to 0 by a cosine")
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    if min(asked.hidden, asked.epochs, asked.seeds) < 1:
        parser.error("--hidden, --epochs and --seeds must be at least 1")
    images = digits() if asked.cifar10 is None else cifar10(asked.cifar10)
    pixels = images.x.shape[1]
    print(f"{len(images.x)} images to train on, {len(images.x_test)} to test, {pixels} pixels, {asked.seeds} seeds")
    print(f"{'hidden layer':20}{'numbers':>10}{'of dense':>10}{'accuracy':>10}{'deviation':>11}")
    for name, make in hidden_layers(pixels, asked.hidden).items():
        runs = [accuracy(make, images, seed, asked.epochs, asked.rate) for seed in range(asked.seeds)]
        count, rights = runs[0][0], [right for _, right in runs]
        spread = statistics.stdev(rights) if len(rights) > 1 else 0.0
        share = count / (pixels * asked.hidden)
        print(f"{name:20}{count:10}{share:10.1%}{statistics.mean(rights):10.2%}{spread:11.2%}", flush=True)


if __name__ == "__main__":
    main()
