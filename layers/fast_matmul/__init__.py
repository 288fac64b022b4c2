"""Exact fast multiplication: the matrix product of torch, computed with the products of a scheme."""

from bilinear.layers.fast_matmul.accuracy import Accuracy, measure_accuracy
from bilinear.layers.fast_matmul.choice import Choice, choose
from bilinear.layers.fast_matmul.matmul import fast_matmul
from bilinear.layers.fast_matmul.product import count_additions

__all__ = ["Accuracy", "Choice", "choose", "count_additions", "fast_matmul", "measure_accuracy"]
