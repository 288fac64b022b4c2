"""Exact fast multiplication: the matrix product of torch, computed with the products of a scheme."""

from layers.fast_matmul.accuracy import Accuracy, measure_accuracy
from layers.fast_matmul.product import fast_matmul

__all__ = ["Accuracy", "fast_matmul", "measure_accuracy"]
