"""The first tables, and the triggers that keep a terminal state as it is."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_REQUEST_ENDED = "OLD.state <> 1 AND (NEW.state <> OLD.state OR NEW.end_time_us <> OLD.end_time_us)"
# An unknown attempt (5) may become reconciled (6, 7); an open one (1) anything.
_ATTEMPT_ENDED = "OLD.state NOT IN (1, 5) AND NEW.state <> OLD.state OR OLD.state = 5 AND NEW.state NOT IN (5, 6, 7)"


def upgrade() -> None:
    """Makes everything."""
    _make_requests()
    _make_attempts()
    _make_media()
    _make_callers()
    for table, condition in (("requests", _REQUEST_ENDED), ("attempts", _ATTEMPT_ENDED)):
        _keep_terminal(table, condition)


def _text(name: str, **options: bool) -> sa.Column[str]:
    return sa.Column(name, sa.Text, **options)  # type: ignore[arg-type]


def _number(name: str, **options: bool) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, **options)  # type: ignore[arg-type]


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _bytes(name: str, nullable: bool = True) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable)


def _make_requests() -> None:
    op.create_table(
        "requests",
        _text("request_id", primary_key=True),
        *(_text(name, nullable=False) for name in ("key_id", "owner")),
        _small("state"),
        *(_text(name, nullable=False) for name in ("model", "operation")),
        _small("image_count"),
        _number("create_time_us", nullable=False),
        _number("end_time_us"),
        *(_number(name, nullable=False) for name in ("cost_micros", "reserved_micros")),
        _text("request_hash", nullable=False),
        *(_text(name) for name in ("idempotency_key", "session_id", "end_user_id", "tags")),
        _text("trace_id", nullable=False),
        *(_text(name) for name in ("provider", "provider_model")),
        *(_small(name) for name in ("client_gone", "purged")),
        *(_bytes(name) for name in ("payload", "error", "result")),
    )
    op.create_index("requests_by_hash", "requests", ["request_hash"])
    op.create_index("requests_by_key", "requests", ["key_id", "create_time_us"])
    op.create_index("requests_by_time", "requests", ["create_time_us"])
    is_open = sa.text("state = 1")
    op.create_index("requests_open", "requests", ["owner"], sqlite_where=is_open, postgresql_where=is_open)
    is_old = sa.text("payload IS NOT NULL AND end_time_us IS NOT NULL")
    op.create_index("requests_with_payload", "requests", ["end_time_us"], sqlite_where=is_old, postgresql_where=is_old)
    op.create_table(
        "claims",
        _text("key_id", primary_key=True),
        _text("idempotency_key", primary_key=True),
        _text("request_hash", nullable=False),
        _text("request_id", nullable=False),
    )
    op.create_table(
        "inputs",
        _text("request_id", primary_key=True),
        _text("blob_id", primary_key=True),
        _number("expire_time_us", nullable=False),
    )
    op.create_index("ix_inputs_expire_time_us", "inputs", ["expire_time_us"])


def _make_attempts() -> None:
    op.create_table(
        "attempts",
        _text("attempt_id", primary_key=True),
        *(_text(name, nullable=False) for name in ("request_id", "target", "provider", "provider_model", "account")),
        *(_small(name) for name in ("state", "outcome", "billed")),
        *(_number(name, nullable=False) for name in ("cost_micros", "reserved_micros")),
        _text("provider_job_id", nullable=False),
        _bytes("status"),
        _number("start_time_us", nullable=False),
        *(_number(name) for name in ("accept_time_us", "end_time_us")),
        _small("image_count"),
    )
    op.create_index("ix_attempts_request_id", "attempts", ["request_id"])


def _make_media() -> None:
    op.create_table(
        "media",
        _text("media_id", primary_key=True),
        *(_text(name, nullable=False) for name in ("request_id", "attempt_id")),
        _small("image_index"),
        _number("size_bytes", nullable=False),
        _bytes("sha256", nullable=False),
        *(_number(name, nullable=False) for name in ("create_time_us", "expire_time_us")),
        _small("purged"),
        *(_bytes(name, nullable=False) for name in ("started", "ended")),
    )
    op.create_index("ix_media_request_id", "media", ["request_id"])
    is_kept = sa.text("purged = 0")
    op.create_index("media_by_expiry", "media", ["expire_time_us"], sqlite_where=is_kept, postgresql_where=is_kept)


def _make_callers() -> None:
    op.create_table(
        "keys",
        _text("key_id", primary_key=True),
        _bytes("secret_hash", nullable=False),
        _number("create_time_us", nullable=False),
        *(_number(name) for name in ("expire_time_us", "revoke_time_us", "last_use_time_us")),
        _bytes("key", nullable=False),
    )
    op.create_table(
        "budgets",
        _text("key_id", primary_key=True),
        _text("window", primary_key=True),
        _number("limit_micros", nullable=False),
    )
    op.create_table(
        "owners",
        _text("owner", primary_key=True),
        _number("lease_time_us", nullable=False),
    )


def _keep_terminal(table: str, condition: str) -> None:
    """Refuses updates that would change how a row of `table` ended, whoever asks."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {table}_terminal BEFORE UPDATE ON {table} FOR EACH ROW WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, 'a terminal state never changes'); END"
        )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION heliostat_terminal() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'a terminal state never changes' USING ERRCODE = 'integrity_constraint_violation'; "
        "END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_terminal BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({condition}) "
        f"EXECUTE FUNCTION heliostat_terminal()"
    )
