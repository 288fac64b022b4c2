"""Converting whole models: their linear layers and convolutions become STL layers, in place, with a report."""

from layers.convert.config import Convolution, STLConfig, read_config
from layers.convert.files import convert_file
from layers.convert.filters import wide_linear
from layers.convert.report import Report, Row
from layers.convert.storage import load_model_, save_model
from layers.convert.structured import ButterflyConfig, MonarchConfig
from layers.convert.swap import convert_
from layers.convert.undo import merge_, revert_

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
