"""The section `ledger:` of the configuration."""

from typing import Literal

from pydantic import Field, field_validator

from heliostat.chassis.settings import PartSettings, Secret
from heliostat.ledger.keys import LEAST_METADATA_S


class LedgerSettings(PartSettings):
    """What the ledger may be told."""

    router: str = "local:router"
    """Address of the router."""
    write_ahead: Literal["attempt", "request"] = "attempt"
    """What is committed before a provider is asked: each attempt (exact; needs the router in the same process), or the
    request alone."""
    open: bool = False
    """True: callers need no key. For benchmarks and closed networks."""
    sandbox_key: Secret | None = None
    """A fixed key of at least 8 characters that a sandbox lets in, as a reference; refused outside of one."""
    request_deadline_s: float = Field(600, gt=0, le=3600)
    """Most seconds that one request may take. More than edge.request_timeout_s: what a caller did not wait for goes on,
    to be asked for as a job."""
    comeback_s: float = Field(15, ge=0, le=600)
    """Seconds that a request waits for a caller who left and may come back."""
    gone_s: float = Field(1, ge=0, le=600)
    """Seconds that a request waits for a caller who left and will not come back."""
    retry_join_s: float = Field(600, ge=0, le=3600)
    """Seconds within which a library's own retry joins the request that it repeats."""
    idempotency_s: int = Field(86_400, ge=86_400)
    """Seconds for which an idempotency key stands for its first request; afterwards it is a new key."""
    media_retention_s: int = Field(3600, ge=60)
    """Seconds for which pictures are kept."""
    keyed_media_retention_s: int = Field(86_400, ge=60)
    """Seconds for which pictures of requests with an idempotency key are kept."""
    payload_retention_s: int = Field(0, ge=0)
    """Seconds for which prompts and inputs are kept after the request ended."""
    file_retention_s: int = Field(604_800, ge=60)
    """Seconds for which files that callers upload are kept, at most."""
    file_max_mb: int = Field(50, ge=1, le=500)
    """Most megabytes of one uploaded file."""
    files_max_mb: int = Field(1000, ge=1)
    """Most megabytes of all uploaded files of one key."""
    files_max_count: int = Field(1000, ge=1)
    """Most uploaded files of one key."""
    metadata_retention_s: int = Field(0, ge=0)
    """Seconds for which rows of requests are kept, a day at least; then their sums remain. 0 means for ever."""

    @field_validator("metadata_retention_s")
    @classmethod
    def _a_day_at_least(cls, value: int) -> int:
        """Idempotency keys hold for a day: the rows behind them have to be there."""
        if 0 < value < LEAST_METADATA_S:
            raise ValueError(f"is 0, or at least {LEAST_METADATA_S}")
        return value

    spend_cap_usd: float | None = Field(None, ge=0)
    """Most US dollars that all requests together may cost, over all time; unset: no bound."""
    unknown_estimate_usd: float = Field(0.05, ge=0)
    """US dollars reserved for an attempt whose cost cannot be estimated."""
    resume_deadline_s: float = Field(45, gt=0, le=3600)
    """Most seconds for finishing a request that an earlier process left open."""
    spool_dir: str = ""
    """Folder on a local disk where what was bought waits while database or media store are down; empty: under
    state_dir."""
    spool_max_mb: int = Field(512, ge=1)
    """Most megabytes that may wait there; from half of it on nothing new is taken on."""
    lease_s: float = Field(30, ge=1, le=600)
    """Seconds after which the open requests of a process that is gone are taken over by another one on the same
    database."""
    reconcile_s: float = Field(86_400, ge=0, le=2_592_000)
    """Seconds for which jobs that ended unknown are looked up again at their providers; 0 means never."""
    sweep_interval_s: float = Field(60, gt=0)
    """Seconds between two sweeps for what has expired."""
