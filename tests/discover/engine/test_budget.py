"""Budgets as users write them."""

import pytest

from bilinear.discover.engine.budget import Budget, BudgetError, parse_budget


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("60s", Budget(seconds=60)),
        ("1.5m", Budget(seconds=90)),
        ("2 h", Budget(seconds=7200)),
        ("5000steps", Budget(steps=5000)),
        ("1step", Budget(steps=1)),
    ],
)
def test_budgets_are_read(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize("text", ["", "60", "s", "-5s", "1e9s", "nan s", "5 parsecs", "9" * 400 + "s", "٦٠s", "６０s"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(BudgetError, match="a time or a number of steps is needed"):
        parse_budget(text)


@pytest.mark.parametrize("text", ["0s", "0steps", "0.0h"])
def test_a_budget_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(BudgetError, match="above zero"):
        parse_budget(text)


def test_half_a_step_is_refused() -> None:
    with pytest.raises(BudgetError, match="whole number of steps"):
        parse_budget("1.5steps")


def test_the_first_limit_reached_ends_the_search() -> None:
    both = Budget(seconds=10, steps=5)
    assert both.spent(10, 0)
    assert both.spent(0, 5)
    assert not both.spent(9.9, 4)
    assert not Budget().spent(1e9, 10**9)


def test_a_budget_is_told_as_it_is_written():
    told = [str(Budget(seconds=90.0)), str(Budget(steps=5)), str(Budget(2.0, 7)), str(Budget())]
    assert told == ["90s", "5steps", "2s or 7steps", "no limit"]
