"""PNG and JPEG files as pixels, read with pillow under bounds."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import BilinearError

FORMATS = ("PNG", "JPEG")
SUFFIXES = (".png", ".jpg", ".jpeg")
MOST_FILES = 2_000_000
LARGEST_FILE = 1 << 26
"""Bytes."""
MOST_PIXELS = 1 << 25
"""Of a picture before it is resized."""


class DataError(BilinearError):
    """Images that cannot be had as asked."""


def picture_files(folder: Path) -> list[Path]:
    """The files `class/name.png` (or jpg, jpeg), sorted.

    Raises:
        DataError: If the folder cannot be read, or holds too many.
    """
    found: list[Path] = []
    try:
        for kind in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
            found += sorted(file for file in kind.iterdir() if file.suffix.lower() in SUFFIXES)
            if len(found) > MOST_FILES:
                raise DataError(f"{folder}: above {MOST_FILES} pictures; take a smaller folder")
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}; a folder of one folder a class is needed") from None
    return found


def picture(path: Path, side: int) -> NDArray[np.uint8]:
    """A picture in colour, its middle square resized, shape (side, side, 3).

    Raises:
        DataError: If the file is too large, or no PNG or JPEG that can be read, or pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise DataError("folders of pictures need pillow; pip install pillow, or give digits or cifar10:DIR") from None
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise DataError(f"{path}: larger than {LARGEST_FILE} bytes; remove it, or make it smaller")
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise DataError(f"{path}: {image.width} x {image.height} pixels, above {MOST_PIXELS}; make it smaller")
            small = ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.BILINEAR)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: {error}; a PNG or JPEG file is needed") from None
    return np.asarray(small)
