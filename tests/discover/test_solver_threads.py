"""A slice of a batched solver computes on one thread, and leaves torch as it was."""

import pytest
import torch

from bilinear.discover.solvers.threads import one_thread


def test_threads_are_given_back_even_after_an_error() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with pytest.raises(RuntimeError, match="stopped"), one_thread():
        raise RuntimeError("stopped")
    assert torch.get_num_threads() == before
