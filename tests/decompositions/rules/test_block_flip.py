"""Block flips: they keep a scheme right and change a product that no ordinary flip changes so; what must be refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear import load
from bilinear.decompositions import Ring, content_hash, verify
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.rules.block_flip import moved


@settings(deadline=None, max_examples=8)
@given(st.sampled_from(["3x3x3:23", "3x3x4:29", "2x4x5:33"]), st.sampled_from(["f2", "f3"]), st.integers(0, 2**32 - 1))
def test_a_scheme_stays_right_and_as_cheap(name: str, ring: str, seed: int) -> None:
    scheme = load(name, "zt").to(ring)
    found = moved(scheme, np.random.default_rng(seed))
    if found is not None:
        assert verify(found).ok
        assert found.rank <= scheme.rank
        assert content_hash(found) != content_hash(scheme)


def test_block_flips_are_found() -> None:
    scheme = load("4x4x5:62", "zt").to("f3")
    found = [moved(scheme, np.random.default_rng(seed)) for seed in range(6)]
    assert any(one is not None for one in found)


def test_other_rings_are_refused() -> None:
    with pytest.raises(RingError, match="2x2x2 over q: block flips are offered over f2 and f3"):
        moved(load("2x2x2:7", "zt").to(Ring.Q), np.random.default_rng(0))
