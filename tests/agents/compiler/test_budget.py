from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from passel.agents.compiler.events import Planned, StopPlanning, TokensUsed
from passel.agents.toolrun.budget import Account, Budget, Prices
from passel.agents.toolrun.start_call import StartCall
from passel.protocols.chat import Usage
from passel.protocols.plan import TaskId
from passel.protocols.tools import ToolPolicy
from tests.agents.compiler.test_dispatch import endings, plan, shell, task

if TYPE_CHECKING:
    from tests.agents.compiler.shell import Shell


def limited(call: Any = None, policies: Any = None, **limits: Any) -> tuple[Shell, Account]:
    account = Account(Budget(**limits), Prices(prompt=1.0, completion=3.0))
    return shell(policies, call, account=account), account


def test_calls_beyond_the_budget_are_abandoned_and_running_ones_end() -> None:
    host, account = limited(calls=3)
    plan(host, task(1), task(2), task(3, 1), task(4, 2), task(5, 4))
    assert endings(host) == {
        1: "done", 2: "done", 3: "done", 4: "abandoned", 5: "skipped"
    }  # fmt: skip
    assert host.dispatcher.exhausted == "calls"
    assert account.spent.calls == 3
    assert "budget of 3 calls" in host.outcomes[TaskId(4)].error
    assert host.finished == 1


def test_repeated_calls_count_too() -> None:
    policy = ToolPolicy(retries=5, backoff=0.1, idempotent=True)
    host, account = limited(lambda _: (1.0, OSError("no")), {"t": policy}, calls=2)
    plan(host, task(1))
    assert (endings(host), account.spent.calls) == ({1: "abandoned"}, 2)


def test_a_straggler_is_not_called_twice_when_no_call_is_left() -> None:
    policy = ToolPolicy(idempotent=True, hedge_after=1.0)
    host, account = limited(lambda _: (3.0, "x"), {"t": policy}, calls=1)
    plan(host, task(1))
    assert (endings(host), account.spent.calls) == ({1: "done"}, 1)


def test_time_that_is_used_up_abandons_everything_at_that_moment() -> None:
    """Nothing else happens then: the dispatcher asks to be woken for it."""
    host, _ = limited(lambda _: (50.0, "x"), seconds=7.0)
    host.at(0.0, Planned(0.0, task(1)))
    host.at(0.0, Planned(0.0, task(2, 1)))
    effects: list[Any] = []
    handle = host.dispatcher.handle
    host.dispatcher.handle = lambda event: [effects.append(e) or e for e in handle(event)]  # type: ignore[func-returns-value, method-assign]
    host.run()
    assert endings(host) == {1: "abandoned", 2: "abandoned"}
    assert host.dispatcher.exhausted == "seconds"
    assert not host.running
    assert host.finished == 1
    assert effects.count(StopPlanning()) == 1
    assert host.outcomes[TaskId(1)].seconds == 7.0


@pytest.mark.parametrize(
    ("limits", "what"), [({"tokens": 150}, "tokens"), ({"cost": 0.00025}, "cost")]
)
def test_tokens_and_money_that_are_used_up_abandon_everything(
    limits: dict[str, Any], what: str
) -> None:
    host, account = limited(lambda _: (50.0, "x"), **limits)
    host.at(0.0, Planned(0.0, task(1)))
    host.at(1.0, TokensUsed(1.0, Usage(prompt=100, cached=0, completion=40)))
    host.at(2.0, TokensUsed(2.0, Usage(prompt=10, cached=10, completion=11)))
    host.at(3.0, Planned(3.0, task(2)))
    host.run()
    assert endings(host) == {1: "abandoned", 2: "abandoned"}
    assert host.dispatcher.exhausted == what
    assert sum(isinstance(s, StartCall) for _, s in host.starts) == 1
    assert account.spent.prompt_tokens == 110
    assert account.spent.cost == pytest.approx((100 + 3 * 51) / 1e6)


def test_plans_after_the_first_are_counted() -> None:
    account = Account(Budget(replans=1), Prices())
    account.planned()
    assert account.may_replan()
    account.planned()
    assert not account.may_replan()
