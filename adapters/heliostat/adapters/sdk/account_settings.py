"""`adapters.<name>.accounts`: several keys of one provider, each with what else is its own."""

import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import Field, ValidationError, field_validator

from heliostat.chassis.settings import Secret, Section, fault

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
# What concerns the whole adapter, or has a place of its own beside `settings`.
_SHARED = frozenset({"accounts", "address", "api_key", "kind", "linger_s", "listen", "prices", "usd_rates"})

SettingsT = TypeVar("SettingsT", bound=Section)


class AccountSettings(Section):
    """One key of a provider."""

    api_key: Secret | None = None
    """Its key: env:NAME or file:PATH."""
    weight: float = Field(1.0, ge=0)
    """Its share of the requests that the adapter gets; 0: only for jobs that it has under way."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What else is another one than in the section, by the section's own keys, such as {webhook_secret: env:NAME}."""

    @field_validator("weight")
    @classmethod
    def _finite(cls, value: float) -> float:
        if not math.isfinite(value):
            raise ValueError("weight must be a finite number, 0 or more")
        return value


def check(settings: Section, accounts: Mapping[str, AccountSettings]) -> None:
    """Raises a fault that names the account, and what to write instead."""
    for name, account in accounts.items():
        if not _NAME.fullmatch(name):
            raise fault(
                f'"{name}" cannot name an account; use small letters, digits, - and _, such as team-b', "accounts", name
            )
        for key in sorted(_SHARED & account.settings.keys()):
            raise fault(f"{key} cannot be another one for an account; leave it out", "accounts", name, "settings", key)
        try:
            settings_of(settings, account)
        except ValidationError as error:
            told = error.errors()[0]
            sentence = str(told["msg"]).removeprefix("Value error, ")
            raise fault(sentence, "accounts", name, "settings", *told["loc"]) from None
    if accounts and not any(account.weight > 0 for account in accounts.values()):
        raise fault("no account has a weight above 0, so nothing would be asked; give one a weight", "accounts")


def settings_of(settings: SettingsT, account: AccountSettings) -> SettingsT:
    """The section as it is for one account. Raises ValidationError."""
    written = {name: getattr(settings, name) for name in settings.model_fields_set if name != "accounts"}
    own = {"api_key": account.api_key} if account.api_key is not None else {}
    return type(settings).model_validate({**written, **account.settings, **own})
