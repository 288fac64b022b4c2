"""Models of the library transformers: a converted one is saved and loaded by its own methods.

Importing this module makes the method `bilinear` known to transformers, as third parties do: a configuration, which
`save_pretrained` writes into `config.json`, and a quantiser, which puts the layers in their places before
`from_pretrained` reads the weights. `convert_` imports it for such models; whoever loads one imports it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from torch import nn
from transformers.quantizers import HfQuantizer, register_quantization_config, register_quantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from bilinear.layers.errors import LayerError
from bilinear.layers.storage.config import ModelConfig
from bilinear.layers.storage.model import put, specs_of
from bilinear.layers.storage.specs import Spec

METHOD: Final = "bilinear"


@register_quantization_config(METHOD)
class BilinearConfig(QuantizationConfigMixin):  # type: ignore[misc]  # of a package without types here
    """What `config.json` says of the layers of a converted model.

    Attributes:
        layers: By name, as in the files of `save_model`.
        quant_method: `bilinear`.
        format_version: Of the layers.

    Raises:
        LayerError: If a layer is not what it must be, or the version is another one.
    """

    def __init__(self, layers: Mapping[str, Any] | None = None, format_version: int = 1, **_: Any) -> None:
        self.quant_method, self.format_version, self.layers = METHOD, format_version, dict(layers or {})
        self.specs()

    def specs(self) -> dict[str, Spec]:
        """The layers by name."""
        import json

        text = json.dumps({"format": "bilinear-model", "format_version": self.format_version, "layers": self.layers})
        return dict(ModelConfig.parse(text.encode(), "quantization_config of config.json").layers)

    @classmethod
    def of(cls, specs: Mapping[str, Spec]) -> BilinearConfig:
        """That of layers."""
        return cls({name: spec.model_dump(mode="json") for name, spec in specs.items()})


@register_quantizer(METHOD)
class BilinearQuantizer(HfQuantizer):  # type: ignore[misc]
    """Puts the layers of a converted model in the places of the dense ones."""

    requires_calibration = True

    def _process_model_before_weight_loading(self, model: nn.Module, **_: Any) -> nn.Module:
        specs = {_placed(model, name): spec for name, spec in self.quantization_config.specs().items()}
        put(model, specs, "quantization_config of config.json")
        return model

    def is_serializable(self) -> bool:
        """The weights are written as they are."""
        return True

    @property
    def is_trainable(self) -> bool:
        """The layers can be trained."""
        return True


def _placed(model: nn.Module, name: str) -> str:
    """The name of a layer in a model that has a head which the one that was saved had not, or the other way round."""
    prefix = getattr(model, "base_model_prefix", "")
    known = dict(model.named_modules())
    for other in (name, f"{prefix}.{name}", name.removeprefix(f"{prefix}.")):
        if other in known:
            return other
    raise LayerError(f"config.json: the model has no layer {name}; load the class that was saved")


def attach_(model: nn.Module) -> None:
    """Tell a model of transformers which of its layers are converted, so that `save_pretrained` writes them down."""
    specs: dict[str, Spec] = specs_of(model)
    own: Any = model
    if not specs:
        if isinstance(getattr(own, "hf_quantizer", None), BilinearQuantizer):
            own.hf_quantizer.remove_quantization_config(own)
        return
    config = BilinearConfig.of(specs)
    own.config.quantization_config = config
    own.hf_quantizer = BilinearQuantizer(config, pre_quantized=True)
    own.quantization_method, own.is_quantized = METHOD, True
