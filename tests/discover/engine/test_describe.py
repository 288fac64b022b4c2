"""Every solver tells what it is for and what each of its options does, in its own docstring."""

import dataclasses

import pytest

from bilinear.decompositions import UnknownNameError
from bilinear.discover.engine.describe import describe
from bilinear.discover.engine.solver import SOLVERS


@pytest.mark.parametrize("name", SOLVERS.names())
def test_every_option_of_every_solver_is_described(name: str) -> None:
    found = describe(name)
    assert found.purpose.endswith(".")
    assert "\n" not in found.purpose + found.details + found.source
    fields = dataclasses.fields(SOLVERS.load(name))  # type: ignore[arg-type]
    assert [option.name for option in found.options] == [field.name for field in fields]
    assert [option.name for option in found.options if not option.purpose.endswith(".")] == []
    assert all(option.kind and option.default for option in found.options)


def test_options_of_a_base_are_described_by_the_base() -> None:
    options = {option.name: option for option in describe("meta").options}
    assert (options["plus_min"].kind, options["plus_min"].default) == ("int", "20000")
    assert options["plus_min"].purpose.startswith("Fewest flips without a fall of the rank")
    assert (options["walk"].kind, options["walk"].default) == ("str or none", "none")


def test_a_source_is_told_where_there_is_one() -> None:
    assert describe("als").source.startswith("A. V. Smirnov")
    assert describe("construction").source == ""


def test_an_unknown_solver_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'als'"):
        describe("alss")
