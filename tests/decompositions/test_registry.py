import pytest

from bilinear.decompositions import UnknownNameError
from bilinear.decompositions.registry import Registry, normalise


def test_names_are_normalised_once_for_everybody():
    registry = Registry("tool", {"Flip_Graph": "math:pi"})
    assert registry.names() == ["flip-graph"]
    assert " FLIP-graph " in registry
    assert registry.load("flip_graph") == pytest.approx(3.14159, abs=1e-5)
    assert list(registry) == ["flip-graph"]


def test_doubles_are_refused_under_every_spelling():
    registry = Registry("tool", {"flip-graph": "math:pi"})
    with pytest.raises(ValueError, match="tool 'flip-graph' is registered already, as math:pi"):
        registry.add("Flip_Graph", "math:e")
    assert registry.load("flip-graph") != 2.718281828459045


def test_a_location_needs_an_attribute():
    with pytest.raises(ValueError, match="'math' is not of the form 'module:attribute'"):
        Registry("tool", {"a": "math"})


def test_an_unknown_name_suggests_the_nearest():
    registry = Registry("solver", {"flip-graph": "math:pi", "als": "math:e"})
    expected = "^unknown solver 'flip-grph': did you mean 'flip-graph'[?] known solvers: als, flip-graph$"
    with pytest.raises(UnknownNameError, match=expected):
        registry.load("flip-grph")
    with pytest.raises(UnknownNameError, match=r"^unknown solver 'zzz': known solvers: als, flip-graph$"):
        registry.load("zzz")


def test_a_very_long_name_is_cut_in_the_message():
    with pytest.raises(UnknownNameError) as caught:
        Registry("tool", {"a": "math:pi"}).load("x" * 10_000)
    assert len(str(caught.value)) < 200


def test_registering_imports_nothing():
    Registry("tool", {"a": "no_such_module:thing"})
    assert normalise(" A_b ") == "a-b"
