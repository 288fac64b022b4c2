"""Converting whole models: their linear layers and convolutions become STL layers, in place, with a report."""

from bilinear.layers.convert.config import Convolution, STLConfig, read_config
from bilinear.layers.convert.files import convert_file
from bilinear.layers.convert.filters import wide_linear
from bilinear.layers.convert.report import Report, Row
from bilinear.layers.convert.storage import load_model_, save_model
from bilinear.layers.convert.structured import ButterflyConfig, MonarchConfig
from bilinear.layers.convert.swap import convert_
from bilinear.layers.convert.undo import merge_, revert_

__all__ = [
    "ButterflyConfig",
    "Convolution",
    "MonarchConfig",
    "Report",
    "Row",
    "STLConfig",
    "convert_",
    "convert_file",
    "load_model_",
    "merge_",
    "read_config",
    "revert_",
    "save_model",
    "wide_linear",
]
