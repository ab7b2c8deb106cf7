"""The keys of a provider: one instance of the adapter for each, with settings, connections and tokens of its own.

An adapter reads `self.settings.api_key` and knows of no accounts: that is the one seam.

The name "" stands for the section itself with its `api_key`. It is the only one where there are no accounts; where
there are, it is for jobs that were submitted before there were, and for callers that do not know of accounts: where it
leads to no key, the first account that has one does their work.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from heliostat.adapters.sdk.account_settings import AccountSettings, settings_of
from heliostat.adapters.sdk.contract import Adapter
from heliostat.adapters.sdk.settings import ProviderSettings
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

AnyAdapter = Adapter[Any, Any]
Given = TypeVar("Given")


class Accounts:
    """All keys of one adapter."""

    def __init__(self, first: AnyAdapter, make: Callable[[Any], AnyAdapter] | None = None) -> None:
        """`first` is the adapter with the section's own settings; `make` makes one with others."""
        self._first = first
        self._named: dict[str, tuple[AccountSettings, AnyAdapter]] = {}
        settings = first.settings
        if make is not None and isinstance(settings, ProviderSettings):
            for name, account in settings.accounts.items():
                made = make(settings_of(settings, account))
                made.models = first.models
                self._named[name] = account, made

    def told(self) -> Sequence[tuple[str, float, bool]]:
        """(name, weight, configured) of each, for Describe."""
        if not self._named:
            return self._first.accounts()
        return [(name, account.weight, _has_key(adapter)) for name, (account, adapter) in self._named.items()]

    def name_of(self, wanted: str) -> str:
        """The account that does the work of `wanted`: itself, mostly. Raises PROVIDER_AUTH_FAILED for one that is not
        configured any more.
        """
        if not self._named or wanted in self._named:
            return wanted
        if not wanted:
            return "" if _has_key(self._first) else next((name for name, _, has_key in self.told() if has_key), "")
        raise MeshError(
            reasons.ERROR_REASON_PROVIDER_AUTH_FAILED,
            f'adapters.{self._first.name} has no account "{wanted[:64]}" any more; put it back, with weight 0 if it is '
            "to get nothing new.",
        )

    def of(self, name: str) -> AnyAdapter:
        """The adapter of the account `name`, which `name_of` gave."""
        return self._named[name][1] if name in self._named else self._first

    async def any(self, do: Callable[[AnyAdapter], Awaitable[Given]]) -> Given:
        """What `do` gives for the first account that it does not refuse. Raises as the last one."""
        for adapter in (own for _, own in self._named.values()):
            try:
                return await do(adapter)
            except MeshError:
                continue
        return await do(self._first)

    async def start(self) -> None:
        """Starts all of them."""
        for adapter in self._all():
            await adapter.start()

    async def stop(self) -> None:
        """Stops all of them."""
        for adapter in self._all():
            await adapter.stop()

    def _all(self) -> Sequence[AnyAdapter]:
        return [self._first, *(adapter for _, adapter in self._named.values())]


def _has_key(adapter: AnyAdapter) -> bool:
    return any(configured for _, _, configured in adapter.accounts())
