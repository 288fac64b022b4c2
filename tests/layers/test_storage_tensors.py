"""Safetensors files, checked before and after their tensors are read."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from bilinear.layers import LayerError
from bilinear.layers.storage.tensors import Words, opened, require_values

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b {}": torch.ones(2, dtype=torch.int64)}
SHAPES = {"a": (2, 3), "b {}": (2,)}


@pytest.fixture
def path(tmp_path):
    save_file(TENSORS, tmp_path / "t.safetensors", {"said": "yes"})
    return tmp_path / "t.safetensors"


def test_what_fits_is_read(path):
    with opened(path) as file:
        file.require_names(SHAPES)
        file.require_shapes(SHAPES)
        assert file.metadata() == {"said": "yes"}
        found = file.read(file.names())
    require_values(path, found, {"a": torch.float32, "b {}": torch.int64})
    assert all(torch.equal(found[name], tensor) for name, tensor in TENSORS.items())


@pytest.mark.parametrize(
    ("shapes", "text"),
    [
        (SHAPES | {"c": (1,)}, "t.safetensors: no tensor 'c', which the model has"),
        ({"a": (2, 3)}, "a tensor 'b {}' that the model does not have"),
        (SHAPES | {"b {}": (3,)}, r"b {} has shape \(2,\), the model needs \(3,\)"),
    ],
)
def test_what_does_not_fit_is_refused_unread(path, shapes, text):
    def read():
        with opened(path) as file:
            file.require_names(shapes)
            file.require_shapes(shapes)

    with pytest.raises(LayerError, match=text):
        read()


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (torch.zeros(2, dtype=torch.float64), "x is torch.float64, the model's torch.float32"),
        (torch.tensor([0.0, torch.nan]), "x holds a number that is not finite"),
        (torch.tensor([0.0, -torch.inf]), "x holds a number that is not finite"),
    ],
)
def test_values_that_are_refused(path, tensor, text):
    with pytest.raises(LayerError, match=text):
        require_values(path, {"x": tensor}, {"x": torch.float32})


def test_files_that_cannot_be_read(path, tmp_path):
    with pytest.raises(LayerError, match=r"none: no such file$"), opened(tmp_path / "none"):
        pass
    with pytest.raises(LayerError, match=r"none: gone; write it$"), opened(tmp_path / "none", Words("gone; write it")):
        pass
    with pytest.raises(LayerError, match=r"none: .*; damaged$"), opened(tmp_path / "none", Words("", "damaged")):
        pass
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(LayerError, match="the file is truncated or no safetensors file"), opened(path):
        pass
