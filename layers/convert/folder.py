"""Converting a folder of a model of the library transformers: streamed tensor by tensor, its code run on no weights."""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from bilinear.decompositions.errors import BilinearError
from bilinear.layers.convert.changes import Report, Row
from bilinear.layers.convert.files import Converted
from bilinear.layers.convert.measure import shape_of
from bilinear.layers.convert.stl import STLConfig
from bilinear.layers.convert.swap import Plan, plan_of
from bilinear.layers.errors import LayerError
from bilinear.layers.places import as_dense, count, is_transposed
from bilinear.layers.stl import Basis, STLConv2d, STLLinear
from bilinear.layers.storage.specs import LayerSpec
from bilinear.layers.storage.tensors import opened

SINGLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
CONFIG: Final = "config.json"
SHARD: Final = 1 << 30
"""Bytes of tensors that are written together; a larger tensor has a file of its own."""
WEIGHTS: Final = (".safetensors", ".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".gguf", ".index.json")
"""Ends of the names of files that are not taken over: weights, and what belongs to them."""

Progress = Callable[[int, int], None]
"""Called with the numbers of tensors done and in all."""


def convert_folder(
    source: str | Path,
    config: STLConfig,
    out: str | Path,
    *,
    shard: int = SHARD,
    on_progress: Progress = lambda done, total: None,
) -> Converted:
    """Convert the model in a folder as `save_pretrained` writes it; `from_pretrained` reads what is written.

    The model's class builds it without weights, which tells what each matrix is used for. Tensors are then read,
    converted and written one by one; memory holds one layer and the tensors of a file of at most `shard` bytes.

    Args:
        source: With `config.json` and `.safetensors` files; other small files, such as the tokenizer's, are copied.
        config: What the layers become, judged by the roofline of a CPU unless it says `force`.
        out: The folder; it must not exist, or be empty.
        shard: Bytes of tensors in one file.
        on_progress: Called after each tensor.

    Raises:
        LayerError: If a folder or file is not what it must be, transformers is missing or does not know the model, or a
            weight is not finite. Nothing is written then.
    """
    folder, out = Path(source), Path(out)
    places, model = _tensors_of(folder), _without_weights(folder)
    basis, plan = config.basis(), plan_of(model, config, None, None)
    _leave_tied(model, plan)
    keys = _keys(model, [name for name, reason in plan.reasons.items() if not reason], places)
    layers: dict[str, LayerSpec] = {}
    numbers: dict[str, int] = {}
    with _fresh(out) as written:
        writer = _Writer(written, shard)
        for done, (key, path) in enumerate(places.items(), start=1):
            with opened(path) as file:
                tensor = file.read([key])[key]
            name = keys.get(key)
            if name is None:
                writer.take({key: tensor})
            else:
                module = plan.modules[name]
                layer = _layer(f"{path}: {key}", module, tensor, config, basis)
                layers[name] = LayerSpec.of(layer).model_copy(update={"bias": _biased(module)})
                numbers[name] = count(module) - tensor.numel() + count(layer)
                start = key.removesuffix("weight")
                writer.take({start + own: value for own, value in layer.state_dict().items() if own != "bias"})
            on_progress(done, len(places))
        writer.close()
        _write_config(folder, written, layers)
        _take_over(folder, written)
    return Converted(out, _report(model, plan, numbers))


def _tensors_of(folder: Path) -> dict[str, Path]:
    """In which file each tensor is."""
    if not (folder / CONFIG).is_file():
        raise LayerError(f"{folder}: no {CONFIG}; a folder written by save_pretrained is needed")
    if (folder / INDEX).is_file():
        try:
            found = json.loads((folder / INDEX).read_text())["weight_map"]
            names = {str(key): folder / Path(str(name)).name for key, name in found.items()}
        except (ValueError, KeyError, AttributeError, OSError) as error:
            raise LayerError(f"{folder / INDEX}: no index of tensors ({error}); restore it") from None
        return dict(sorted(names.items(), key=lambda pair: (str(pair[1]), pair[0])))
    with opened(folder / SINGLE) as file:
        return dict.fromkeys(file.names(), folder / SINGLE)


def _without_weights(folder: Path) -> nn.Module:
    """The model, on `meta`."""
    try:
        import transformers
    except ImportError:
        raise LayerError(f"{folder}: a model of transformers, which is not installed; install it") from None
    try:
        config = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise LayerError(f"{folder / CONFIG}: {str(error).splitlines()[0]}") from None
    names = getattr(config, "architectures", None) or []
    kind = getattr(transformers, names[0], None) if names else None
    if kind is None:
        raise LayerError(f"{folder / CONFIG}: architectures {names}; one that transformers has is needed")
    if getattr(config, "quantization_config", None) is not None:
        raise LayerError(f"{folder / CONFIG}: the model is quantised or converted already; give the dense one")
    with torch.device("meta"):
        model: nn.Module = kind._from_config(config, dtype=getattr(config, "dtype", None) or torch.float32)
    model.tie_weights()  # type: ignore[operator]
    return model.eval()


def _leave_tied(model: nn.Module, plan: Plan) -> None:
    """Leave the layers that share a weight, which the files hold under one name only."""
    held = Counter(parameter for module in model.modules() for parameter in module.parameters(recurse=False))
    for name, module in plan.modules.items():
        if not plan.reasons[name] and held[module.get_parameter("weight")] > 1:
            plan.reasons[name] = "its weight is tied to another"


def _keys(model: nn.Module, names: list[str], places: Mapping[str, Path]) -> dict[str, str]:
    """The layer that each weight in the files belongs to; files may leave out the prefix of the base model."""
    prefix = f"{getattr(model, 'base_model_prefix', '')}."
    found = {}
    for name in names:
        for stored in (name, name.removeprefix(prefix), prefix + name):
            if f"{stored}.weight" in places:
                found[f"{stored}.weight"] = name
                break
        else:
            raise LayerError(f"{name}: its weight is in no file under that name; leave it out with exclude")
    return found


def _biased(module: nn.Module) -> bool:
    return getattr(module, "bias", None) is not None


def _layer(owner: str, module: nn.Module, weight: Tensor, config: STLConfig, basis: Basis) -> STLLinear | STLConv2d:
    """The layer without the bias, which the files keep as it is."""
    dense = copy.deepcopy(as_dense(module))
    assert isinstance(dense, nn.Linear | nn.Conv2d)
    own = weight.mT.contiguous() if is_transposed(module) else weight
    if own.shape != dense.weight.shape:
        raise LayerError(f"{owner}: shape {tuple(weight.shape)} does not fit the model's {tuple(dense.weight.shape)}")
    below = config.threshold(dense, basis) if isinstance(dense, nn.Linear) else 0
    dense.weight, dense.bias = nn.Parameter(own, False), None
    try:
        return replace(config, dense_below=below).layer(dense, basis)
    except BilinearError as error:
        raise LayerError(f"{owner}: {error}") from error


@contextmanager
def _fresh(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place at the end, and is gone if anything is wrong."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LayerError(f"{out}: exists and is not an empty folder; choose another")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        written = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise LayerError(f"{out}: {error.strerror or error}; nothing was written") from error
    try:
        yield written
        written.chmod(0o755)
        written.replace(out)
    except OSError as error:
        raise LayerError(f"{out}: {error.strerror or error}; nothing was written") from error
    finally:
        shutil.rmtree(written, ignore_errors=True)


@dataclass
class _Writer:
    """Tensors into files of at most so many bytes each, with an index.

    Attributes:
        folder: Where they go.
        most: Bytes.
        held: Tensors that are not written yet.
        files: The names in each file that was.
        size: Bytes in all.
    """

    folder: Path
    most: int
    held: dict[str, Tensor] = field(default_factory=dict)
    files: list[list[str]] = field(default_factory=list)
    size: int = 0

    def take(self, tensors: Mapping[str, Tensor]) -> None:
        """Write tensors, later perhaps."""
        for name, tensor in tensors.items():
            if self.held and sum(map(_bytes, self.held.values())) + _bytes(tensor) > self.most:
                self._write()
            self.held[name] = tensor.detach().contiguous()
            self.size += _bytes(tensor)

    def _write(self) -> None:
        save_file(self.held, self._path(len(self.files)), metadata={"format": "pt"})
        self.files.append(list(self.held))
        self.held = {}

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number}"

    def close(self) -> None:
        """Write what is left, and the index where there are several files."""
        self._write()
        total = len(self.files)
        if total == 1:
            self._path(0).rename(self.folder / SINGLE)
            return
        index: dict[str, str] = {}
        for number, names in enumerate(self.files):
            file = f"model-{number + 1:05}-of-{total:05}.safetensors"
            self._path(number).rename(self.folder / file)
            index |= dict.fromkeys(names, file)
        content = {"metadata": {"total_size": self.size}, "weight_map": dict(sorted(index.items()))}
        (self.folder / INDEX).write_text(json.dumps(content, indent=2) + "\n")


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _write_config(folder: Path, written: Path, layers: Mapping[str, LayerSpec]) -> None:
    from bilinear.layers.huggingface import BilinearConfig

    config: dict[str, Any] = json.loads((folder / CONFIG).read_text())
    if layers:
        config["quantization_config"] = BilinearConfig.of(layers).to_dict()
    (written / CONFIG).write_text(json.dumps(config, indent=2) + "\n")


def _take_over(folder: Path, written: Path) -> None:
    """Copy the files that hold no weights: the tokenizer's, the settings of generation."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != CONFIG and not path.name.endswith(WEIGHTS) and not path.name.startswith("."):
            shutil.copyfile(path, written / path.name)


def _report(model: nn.Module, plan: Plan, numbers: Mapping[str, int]) -> Report:
    rows = []
    for name, module in plan.modules.items():
        before = count(module)
        change = before, numbers.get(name, before)
        rows.append(Row(name, type(module).__name__, shape_of(module), plan.reasons[name], change))
    total, added = count(model), sum(row.parameters[1] - row.parameters[0] for row in rows)
    return Report(tuple(rows), (total, total + added), notes=plan.notes)
