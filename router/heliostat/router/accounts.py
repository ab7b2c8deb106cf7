"""Targets of adapters that have several accounts: each account is a target of its own, with its share of the weight.

What is known of a target (health, pauses, limits, overrides, calls) is known by its name, so every account has all of
that for itself. A target that names its account in the configuration is left as it is: accounts may so have priorities.
"""

from collections.abc import Iterator
from dataclasses import replace

from heliostat.router.catalog import Catalog
from heliostat.router.table import Route, Target

_MEMO = "accounts"


def spread(route: Route, catalog: Catalog) -> Route:
    """The route with a target for each account, as adapters describe them; the same object where none has several."""
    version, made = route.memo.get(_MEMO, (-1, None))
    if version != catalog.version:
        made = _spread(route, catalog)
        route.memo[_MEMO] = catalog.version, made
    return route if made is None else made


def _spread(route: Route, catalog: Catalog) -> Route | None:
    if not any(catalog.accounts(target.adapter) and not target.account for target in route.targets):
        return None
    written = {target.name for target in route.targets if target.account}
    targets = [
        each
        for target in route.targets
        for each in _each(target, catalog)
        if each is target or each.name not in written
    ]
    made = route.with_targets(targets)
    if route.content_targets is None:
        return made
    names = frozenset(each.name for each in targets if not route.content_targets.isdisjoint((each.name, each.plain)))
    return replace(made, content_targets=names, memo={})


def _each(target: Target, catalog: Catalog) -> Iterator[Target]:
    accounts = catalog.accounts(target.adapter)
    if target.account or not accounts:
        yield target
        return
    whole = sum(account.weight for account in accounts.values()) or 1.0
    for name, account in accounts.items():
        weight = target.weight * account.weight / whole
        yield replace(target, name=f"{target.adapter}@{name}/{target.provider_model}", account=name, weight=weight)
