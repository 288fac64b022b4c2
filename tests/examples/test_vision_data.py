"""Digits, CIFAR-10's binary files and folders of pictures, as the vision examples read them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from examples.vision import data, pictures
from examples.vision.data import CIFAR_FILES, CIFAR_TEST, Images, cifar10, cifar_file, folder, load
from examples.vision.pictures import DataError, picture


def write_cifar(path: Path, count: int = 4, label: int = 9) -> None:
    rng = np.random.default_rng(0)
    for name in (*CIFAR_FILES, CIFAR_TEST):
        records = rng.integers(0, 256, (count, 3073), dtype=np.uint8)
        records[:, 0] = label
        (path / name).write_bytes(records.tobytes())


def write_picture(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (12, 12)) -> None:
    image = pytest.importorskip("PIL.Image")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.new("RGB", size, colour).save(path)


def write_classes(path: Path, count: int = 4) -> None:
    for k in range(count):
        write_picture(path / "blue" / f"{k}.png", (0, 0, 200))
        write_picture(path / "red" / f"{k}.JPG", (200, 0, 0))


def test_digits_are_split_once_and_for_all() -> None:
    pytest.importorskip("sklearn")
    whole, few = load("digits", side=32), load("digits", side=32, most=50)
    assert (len(whole.x), len(whole.x_test)) == (600, 1197)
    assert torch.equal(few.x, whole.x[:50])
    assert torch.equal(few.x_test, whole.x_test)
    assert (whole.channels, whole.side, whole.classes) == (1, 8, 10)
    from sklearn.datasets import load_digits

    pixels = torch.from_numpy(load_digits().data.astype(np.uint8)).sum(dtype=torch.int64)
    assert whole.x.sum(dtype=torch.int64) + whole.x_test.sum(dtype=torch.int64) == pixels


def test_statistics_are_those_of_the_training_pixels() -> None:
    x = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (7, 3, 8, 8), dtype=np.uint8))
    x[:, 2] = 5
    means, deviations = Images("random", x, torch.zeros(7), x[:1], torch.zeros(1), 2).statistics()
    assert means.shape == deviations.shape == (3, 1, 1)
    assert np.allclose(means.flatten(), x.numpy().mean(axis=(0, 2, 3)), rtol=1e-6)
    assert np.allclose(deviations.flatten()[:2], x.numpy().std(axis=(0, 2, 3))[:2], rtol=1e-6)
    assert deviations[2] == 1, "a channel of one value is left at its scale"


def test_cifar(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    images = load(f"cifar10:{tmp_path}", side=32, most=15)
    assert images.x.shape == (15, 3, 32, 32)
    assert images.x_test.shape == (4, 3, 32, 32)
    assert images.y.tolist() == [9] * 15


def test_a_cifar_record_is_a_label_and_three_planes_row_by_row(tmp_path: Path) -> None:
    planes = np.stack([np.full((32, 32), 30), np.arange(1024).reshape(32, 32) // 32, np.full((32, 32), 90)])
    record = np.concatenate([[7], planes.ravel()]).astype(np.uint8)
    (tmp_path / "one.bin").write_bytes(record.tobytes())
    x, labels = cifar_file(tmp_path / "one.bin")
    assert labels.tolist() == [7]
    assert (x[0] == planes).all()


def test_files_that_are_not_cifars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"data_batch_1\.bin: No such file or directory; the folder of"):
        cifar10(tmp_path)
    write_cifar(tmp_path, label=10)
    with pytest.raises(DataError, match="a label 10, the largest is 9"):
        cifar10(tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(b"short")
    with pytest.raises(DataError, match="5 bytes, must be a multiple of 3073 up to 30730000"):
        cifar10(tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(b"")
    with pytest.raises(DataError, match="0 bytes"):
        cifar10(tmp_path)
    write_cifar(tmp_path, count=3)
    monkeypatch.setattr(data, "CIFAR_IMAGES", 2)
    with pytest.raises(DataError, match="9219 bytes, must be a multiple of 3073 up to 6146"):
        cifar10(tmp_path)


def test_a_folder_without_parts_is_split(tmp_path: Path) -> None:
    write_classes(tmp_path)
    (tmp_path / "red" / "notes.txt").write_text("no picture")
    images = load(f"folder:{tmp_path}", side=8)
    assert (len(images.x), len(images.x_test), images.classes) == (6, 2, 2)
    for x, y in ((images.x, images.y), (images.x_test, images.y_test)):
        strongest = x.float().mean(dim=(2, 3)).argmax(dim=1)
        assert torch.equal(strongest, torch.where(y == 0, 2, 0)), "blue is the first class, red the second"


def test_a_folder_with_train_and_val(tmp_path: Path) -> None:
    write_classes(tmp_path / "train")
    write_picture(tmp_path / "val" / "red" / "x.jpeg", (200, 0, 0))
    images = folder(tmp_path, side=16, most=5)
    assert images.x.shape == (5, 3, 16, 16)
    assert images.y_test.tolist() == [1]
    write_picture(tmp_path / "val" / "green" / "x.png", (0, 200, 0))
    with pytest.raises(DataError, match=r"green/x\.png: a class without pictures to train on"):
        folder(tmp_path, side=16)


def test_the_middle_square_is_resized(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    wide = np.zeros((16, 48, 3), dtype=np.uint8)
    wide[:, 16:32, 1] = 255
    image.fromarray(wide).save(tmp_path / "wide.png")
    found = picture(tmp_path / "wide.png", 8)
    assert found.shape == (8, 8, 3)
    assert (found[:, 1:-1] == np.array([0, 255, 0])).all(), "the filter may look over the edges of the square"


def test_pictures_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_picture(tmp_path / "red" / "0.png", (200, 0, 0))
    whole = (tmp_path / "red" / "0.png").read_bytes()
    for name, content in (("broken.png", b"no picture"), ("cut.png", whole[: len(whole) // 2])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}: .*; a PNG or JPEG file is needed"):
            picture(tmp_path / name, 8)
    pytest.importorskip("PIL.Image").new("RGB", (4, 4)).save(tmp_path / "gif", "GIF")
    (tmp_path / "gif").rename(tmp_path / "gif.png")
    with pytest.raises(DataError, match=r"gif\.png: cannot identify image file"):
        picture(tmp_path / "gif.png", 8)
    monkeypatch.setattr(pictures, "MOST_PIXELS", 100)
    with pytest.raises(DataError, match="12 x 12 pixels, above 100; make it smaller"):
        picture(tmp_path / "red" / "0.png", 8)
    monkeypatch.setattr(pictures, "LARGEST_FILE", 10)
    with pytest.raises(DataError, match="larger than 10 bytes"):
        picture(tmp_path / "red" / "0.png", 8)


def test_folders_that_will_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="missing: No such file or directory"):
        folder(tmp_path / "missing", side=8)
    with pytest.raises(DataError, match="0 folders with pictures; one folder a class is needed, at least two"):
        folder(tmp_path, side=8)
    write_classes(tmp_path, count=1)
    with pytest.raises(DataError, match="2 images to train on, 0 to test; both need one"):
        folder(tmp_path, side=8)
    with pytest.raises(DataError, match="pictures of side 12; take a multiple of 8 from 8 to 256"):
        folder(tmp_path, side=12)
    monkeypatch.setattr(data, "LARGEST", 300)
    with pytest.raises(DataError, match="384 bytes at side 8, above 300; take a smaller side, or fewer images"):
        folder(tmp_path, side=8)


@pytest.mark.parametrize("source", ["digit", "cifar10", "folder:", "cifar100:x"])
def test_unknown_data(source: str) -> None:
    with pytest.raises(DataError, match="give digits, cifar10:DIR or folder:DIR"):
        load(source, side=32)
