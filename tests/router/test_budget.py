"""How many attempts beyond the first are let through. Pure."""

from heliostat.router.budget import Budget, Recent
from heliostat.router.settings import BudgetSettings


def test_a_few_are_always_allowed_under_way() -> None:
    """Three at once, however little goes on."""
    budget = Budget(BudgetSettings())
    budget.begin(0.0)
    taken = 0
    while budget.may(0.0):
        budget.take(0.0)
        taken += 1
    assert taken == 3
    budget.give_back(0.0)
    assert budget.may(0.0)


def test_a_fifth_of_what_is_under_way() -> None:
    """100 calls allow 20 attempts beyond the first at once."""
    budget = Budget(BudgetSettings())
    for _ in range(100):
        budget.begin(0.0)
    taken = 0
    while budget.may(0.0):
        budget.take(0.0)
        taken += 1
    assert taken == 20


def test_calls_that_break_together_may_use_what_the_last_seconds_allow() -> None:
    """40 short calls have just ended: 8 more attempts are within a fifth of them."""
    budget = Budget(BudgetSettings())
    for _ in range(40):
        budget.begin(1.0)
        budget.end()
    taken = 0
    while budget.may(2.0):
        budget.take(2.0)
        taken += 1
    assert taken == 8
    for _ in range(taken):
        budget.give_back(2.0)
    assert budget.may(2.0)


def test_last_resorts_have_the_last_seconds_only() -> None:
    """While everybody is down, load is not multiplied: 3 and a fifth of the calls in ten seconds."""
    budget = Budget(BudgetSettings())
    tried = 0
    for number in range(1000):
        moment = number / 100
        budget.begin(moment)
        if budget.may(moment, last_resort=True):
            budget.take(moment)
            budget.give_back(moment)
            tried += 1
        budget.end()
    assert 190 <= tried <= 203


def test_what_was_never_sent_does_not_count() -> None:
    """A refused connection costs a provider nothing."""
    budget = Budget(BudgetSettings(least=1))
    for _ in range(100):
        assert budget.may(0.0, last_resort=True)
        budget.take(0.0)
        budget.give_back(0.0, unsent=True)


def test_recent_forgets() -> None:
    """Counts cover the last ten seconds, to a second."""
    recent = Recent(10.0)
    for second in range(30):
        recent.add(float(second))
    assert recent.count(29.0) == 10
    assert recent.count(34.0) == 5
    assert recent.count(1000.0) == 0


def test_tries_of_what_was_put_out_take_half_of_the_share() -> None:
    """40 requests in the last seconds allow 8 further attempts: 4 tries may be expected to need one, and one always."""
    budget = Budget(BudgetSettings())
    assert budget.may_try(1.0, 0)
    assert not budget.may_try(1.0, 1)
    for _ in range(40):
        budget.begin(1.0)
        budget.end()
    assert [budget.may_try(2.0, under_way) for under_way in (0, 3, 4)] == [True, True, False]
    for _ in range(4):
        budget.take(2.0)
    assert not budget.may_try(2.0, 0)
