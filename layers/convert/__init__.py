"""Converting whole models: their linear layers and convolutions become others, in place, with a report."""

from bilinear.layers.convert.changes import Report, Row
from bilinear.layers.convert.files import convert_file
from bilinear.layers.convert.filters import wide_linear
from bilinear.layers.convert.folder import convert_folder
from bilinear.layers.convert.stl import Convolution, STLConfig, read_config
from bilinear.layers.convert.structured import ButterflyConfig, MonarchConfig
from bilinear.layers.convert.swap import convert_
from bilinear.layers.convert.undo import merge_, revert_
from bilinear.layers.convert.winograd import WinogradConfig

__all__ = [
    "ButterflyConfig",
    "Convolution",
    "MonarchConfig",
    "Report",
    "Row",
    "STLConfig",
    "WinogradConfig",
    "convert_",
    "convert_file",
    "convert_folder",
    "merge_",
    "read_config",
    "revert_",
    "wide_linear",
]
