"""Fences of requests that change hands, and the list of unknown attempts that are looked up again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column and the table."""
    op.add_column("requests", sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "lookups",
        sa.Column("attempt_id", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("look_time_us", sa.BigInteger),
        sa.Column("look_count", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_index("ix_lookups_look_time_us", "lookups", ["look_time_us"])
