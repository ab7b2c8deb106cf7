"""The first tables: overrides, shared pauses, and what was changed by whom."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes everything."""
    op.create_table(
        "target_overrides",
        sa.Column("route", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("priority", sa.Integer),
        sa.Column("weight", sa.Double),
        sa.Column("admin_state", sa.Integer),
    )
    op.create_table(
        "target_pauses",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("until_us", sa.BigInteger, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
    )
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "target_changes",
        sa.Column("change_id", number, primary_key=True, autoincrement=True),
        sa.Column("time_us", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("who", "what", "target", "route", "before", "after")),
    )
    op.create_index("target_changes_by_target", "target_changes", ["target", "change_id"])
    op.create_index("target_changes_by_time", "target_changes", ["time_us"])
