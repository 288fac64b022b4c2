"""Labelled images: scikit-learn's digits, CIFAR-10's binary files, and folders of one folder a class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from examples.vision.pictures import DataError, picture, picture_files

Bytes = NDArray[np.uint8]
Labels = NDArray[np.int64]

DIGITS_TRAINED = 600
"""Of the 1797 digits; the other 1197 are the test, so that a classifier's accuracy is known within 1 %."""
HELD_OUT = 0.25
"""Of a folder without `train` and `val`."""
CIFAR_SHAPE = 3, 32, 32
CIFAR_CLASSES = 10
CIFAR_RECORD = 1 + math.prod(CIFAR_SHAPE)
CIFAR_IMAGES = 10_000
"""In one file."""
CIFAR_FILES = [f"data_batch_{k}.bin" for k in range(1, 6)]
CIFAR_TEST = "test_batch.bin"
SIDES = range(8, 257, 8)
"""To which a folder's pictures may be resized: the models' patches and maps fit these."""
LARGEST = 4 << 30
"""Bytes of a folder's pictures, resized."""


@dataclass(frozen=True, eq=False)
class Images:
    """A training set and a test set.

    Attributes:
        name: Of the data.
        x: Shape (images, channels, side, side), bytes.
        y: Class numbers, shape (images,).
        x_test: Images that are not trained on.
        y_test: Their class numbers.
        classes: Number of classes.

    Raises:
        DataError: If one of the two sets is empty.
    """

    name: str
    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor
    classes: int

    def __post_init__(self) -> None:
        if not len(self.x) or not len(self.x_test):
            raise DataError(f"{self.name}: {len(self.x)} images to train on, {len(self.x_test)} to test; both need one")

    @property
    def channels(self) -> int:
        """Colours of an image."""
        return self.x.shape[1]

    @property
    def side(self) -> int:
        """Rows, and columns, of an image."""
        return self.x.shape[2]

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation of each channel over the training images, each of shape (channels, 1, 1)."""
        values = torch.arange(256, dtype=torch.float64)
        found = []
        for channel in range(self.channels):
            counts = torch.bincount(self.x[:, channel].flatten(), minlength=256).double()
            share = counts / counts.sum()
            mean = float(share @ values)
            deviation = math.sqrt(float(share @ (values - mean).square()))
            found.append((mean, deviation or 1.0))
        means, deviations = torch.tensor(found, dtype=torch.float32).T[:, :, None, None]
        return means, deviations


def load(source: str, side: int, most: int | None = None) -> Images:
    """The images that a command's `--data` names.

    Args:
        source: `digits`, `cifar10:DIR` or `folder:DIR`.
        side: To which a folder's pictures are resized; the others have their own.
        most: Train on so many images, drawn once and for all; all if None.

    Raises:
        DataError: If there is no such data, or it is not what it should be.
    """
    kind, _, path = source.partition(":")
    if most is not None and most < 1:
        raise DataError(f"{most} images to train on; at least one is needed")
    if source == "digits":
        return digits(most or DIGITS_TRAINED)
    if kind == "cifar10" and path:
        return cifar10(Path(path).expanduser(), most)
    if kind == "folder" and path:
        return folder(Path(path).expanduser(), side, most)
    raise DataError(f"no data {source!r}; give digits, cifar10:DIR or folder:DIR")


def digits(most: int = DIGITS_TRAINED) -> Images:
    """Scikit-learn's digits, 8 x 8, the first drawn to train on and always the same 1197 to test.

    Raises:
        DataError: If scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DataError("the digits need scikit-learn; pip install scikit-learn, or give cifar10:DIR") from None
    pixels, labels = load_digits(return_X_y=True)
    order = _order(len(pixels))
    x = torch.from_numpy(pixels.astype(np.uint8)).reshape(-1, 1, 8, 8)
    train, test = order[: min(most, DIGITS_TRAINED)], order[DIGITS_TRAINED:]
    y = torch.from_numpy(labels.astype(np.int64))
    return Images("digits", x[train], y[train], x[test], y[test], classes=10)


def cifar10(path: Path, most: int | None = None) -> Images:
    """CIFAR-10's binary version, which holds no pickle, in colour.

    Raises:
        DataError: If a file is missing, too large or of another kind.
    """
    x, y, x_test, y_test = cifar_arrays(path)
    kept = _order(len(x))[:most]
    tensors = [torch.from_numpy(part) for part in (x[kept], y[kept], x_test, y_test)]
    return Images("CIFAR-10", tensors[0], tensors[1], tensors[2], tensors[3], CIFAR_CLASSES)


def cifar_arrays(path: Path) -> tuple[Bytes, Labels, Bytes, Labels]:
    """Images and labels to train on, and those to test, in the order of the files; see `cifar_file`.

    Raises:
        DataError: If a file is missing, too large or of another kind.
    """
    parts = [cifar_file(path / name) for name in CIFAR_FILES]
    x, y = (np.concatenate(part) for part in zip(*parts, strict=True))
    return x, y, *cifar_file(path / CIFAR_TEST)


def cifar_file(path: Path) -> tuple[Bytes, Labels]:
    """Images (images, 3, 32, 32) and labels of one file: records of a label and 3072 bytes, channel by channel.

    Raises:
        DataError: If the file is missing, of another size, or holds a label that is none.
    """
    try:
        size = path.stat().st_size
        if not size or size % CIFAR_RECORD or size > CIFAR_IMAGES * CIFAR_RECORD:
            raise DataError(
                f"{path}: {size} bytes, must be a multiple of {CIFAR_RECORD} up to {CIFAR_IMAGES * CIFAR_RECORD}; "
                "CIFAR-10's binary version is needed"
            )
        records = np.fromfile(path, dtype=np.uint8).reshape(-1, CIFAR_RECORD)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; the folder of CIFAR-10's binary version is needed") from None
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= CIFAR_CLASSES:
        raise DataError(f"{path}: a label {labels.max()}, the largest is {CIFAR_CLASSES - 1}; CIFAR-10's is needed")
    return records[:, 1:].reshape(-1, *CIFAR_SHAPE), labels


def folder(path: Path, side: int, most: int | None = None) -> Images:
    """Pictures in a folder for each class, below `train` and `val` if there are such, else a quarter held out.

    Raises:
        DataError: If there are fewer than two classes, too many pictures, or one that cannot be read.
    """
    if side not in SIDES:
        raise DataError(f"pictures of side {side}; take a multiple of {SIDES.step} from {SIDES[0]} to {SIDES[-1]}")
    parts = [path / name for name in ("train", "val")]
    whole = picture_files(parts[0] if parts[0].is_dir() else path)
    names = sorted({file.parent.name for file in whole})
    if len(names) < 2:
        raise DataError(f"{path}: {len(names)} folders with pictures; one folder a class is needed, at least two")
    order = [whole[int(k)] for k in _order(len(whole))]
    if all(part.is_dir() for part in parts):
        train, test = order, picture_files(parts[1])
    else:
        cut = round(HELD_OUT * len(order))
        train, test = order[cut:], order[:cut]
    train = train[:most]
    needed = (len(train) + len(test)) * 3 * side**2
    if needed > LARGEST:
        raise DataError(f"{path}: {needed} bytes at side {side}, above {LARGEST}; take a smaller side, or fewer images")
    x, x_test = (_pictures(files, side) for files in (train, test))
    y, y_test = (_classes(files, names) for files in (train, test))
    return Images(path.name, x, y, x_test, y_test, len(names))


def _pictures(files: Sequence[Path], side: int) -> Tensor:
    out = np.empty((len(files), 3, side, side), dtype=np.uint8)
    for place, file in zip(out, files, strict=True):
        place[:] = picture(file, side).transpose(2, 0, 1)
    return torch.from_numpy(out)


def _classes(files: Sequence[Path], names: Sequence[str]) -> Tensor:
    numbers = {name: k for k, name in enumerate(names)}
    unknown = [file for file in files if file.parent.name not in numbers]
    if unknown:
        raise DataError(f"{unknown[0]}: a class without pictures to train on; remove its folder, or add some")
    return torch.tensor([numbers[file.parent.name] for file in files], dtype=torch.int64)


def _order(count: int) -> Labels:
    """The same permutation for every seed of a training."""
    return np.random.default_rng(0).permutation(count)
