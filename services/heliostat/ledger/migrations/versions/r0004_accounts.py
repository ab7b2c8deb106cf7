"""Accounts: what is spent and reserved in the window of each budget, counted by triggers in the attempt's own commit.

With them: what is left of requests whose rows were swept, a key's own retention, and the secret that a rotated key
still takes for a while.
"""

import sqlalchemy as sa
from alembic import op

from heliostat.ledger.schema import ACCOUNTS_LOCK

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes tables, columns and triggers."""
    op.create_table(
        "accounts",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("period", sa.Text, primary_key=True),
        sa.Column("spent_micros", sa.BigInteger, nullable=False),
        sa.Column("reserved_micros", sa.BigInteger, nullable=False),
    )
    counts = ("request_count", "success_count", "asked_count", "image_count", "cost_micros", "reserved_micros")
    op.create_table(
        "usage",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("key_id", "day", "model", "provider")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in counts),
    )
    op.add_column("keys", sa.Column("old_secret_hash", sa.LargeBinary))
    for name in ("old_expire_time_us", "payload_retention_s", "metadata_retention_s"):
        op.add_column("keys", sa.Column(name, sa.BigInteger))
    if op.get_bind().dialect.name == "sqlite":
        _count_in_sqlite()
    else:
        _count_in_postgresql()


def _count(key_id: str, day: str, month: str, spent: str, reserved: str) -> str:
    """The statement that adds an attempt's money to the accounts of all budgets that bind it."""
    return (
        "INSERT INTO accounts (key_id, period, spent_micros, reserved_micros) "  # noqa: S608
        f"SELECT budgets.key_id, CASE budgets.\"window\" WHEN 'day' THEN {day} WHEN 'month' THEN {month} "
        f"ELSE budgets.\"window\" END, {spent}, {reserved} FROM budgets WHERE budgets.key_id IN ('', {key_id}) "
        "ON CONFLICT (key_id, period) DO UPDATE SET spent_micros = accounts.spent_micros + excluded.spent_micros, "
        "reserved_micros = accounts.reserved_micros + excluded.reserved_micros;"
    )


def _count_in_sqlite() -> None:
    key_id = "(SELECT requests.key_id FROM requests WHERE requests.request_id = NEW.request_id)"
    day, month = (
        f"strftime('{pattern}', NEW.start_time_us / 1000000, 'unixepoch')" for pattern in ("%Y-%m-%d", "%Y-%m")
    )
    begun = _count(key_id, day, month, "NEW.cost_micros", "NEW.reserved_micros")
    op.execute(
        "CREATE TRIGGER attempts_begun AFTER INSERT ON attempts FOR EACH ROW "
        f"WHEN NEW.cost_micros <> 0 OR NEW.reserved_micros <> 0 BEGIN {begun} END"
    )
    spent, reserved = "NEW.cost_micros - OLD.cost_micros", "NEW.reserved_micros - OLD.reserved_micros"
    settled = _count(key_id, day, month, spent, reserved)
    op.execute(
        "CREATE TRIGGER attempts_settled AFTER UPDATE OF cost_micros, reserved_micros ON attempts FOR EACH ROW "
        "WHEN NEW.cost_micros <> OLD.cost_micros OR NEW.reserved_micros <> OLD.reserved_micros "
        f"BEGIN {settled} END"
    )


def _count_in_postgresql() -> None:
    day, month = (f"to_char(moment, '{pattern}')" for pattern in ("YYYY-MM-DD", "YYYY-MM"))
    counted = _count("caller", day, month, "spent", "reserved")
    op.execute(
        "CREATE OR REPLACE FUNCTION heliostat_account() RETURNS trigger LANGUAGE plpgsql AS $$ "  # noqa: S608
        "DECLARE spent bigint := NEW.cost_micros; reserved bigint := NEW.reserved_micros; "
        "caller text; moment timestamp; BEGIN "
        "IF TG_OP = 'UPDATE' THEN "
        "spent := spent - OLD.cost_micros; reserved := reserved - OLD.reserved_micros; END IF; "
        "IF spent = 0 AND reserved = 0 THEN RETURN NULL; END IF; "
        "SELECT requests.key_id INTO caller FROM requests WHERE requests.request_id = NEW.request_id; "
        "IF NOT EXISTS (SELECT 1 FROM budgets WHERE budgets.key_id IN ('', caller)) THEN RETURN NULL; END IF; "
        # One lock for all accounts: commits of several processes, each with many rows, would wait for one another.
        f"PERFORM pg_advisory_xact_lock({ACCOUNTS_LOCK}); "
        "moment := to_timestamp(NEW.start_time_us / 1000000) AT TIME ZONE 'UTC'; "
        f"{counted} RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER attempts_counted AFTER INSERT OR UPDATE OF cost_micros, reserved_micros ON attempts "
        "FOR EACH ROW EXECUTE FUNCTION heliostat_account()"
    )
