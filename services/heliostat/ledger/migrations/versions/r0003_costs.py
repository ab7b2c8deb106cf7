"""What an attempt was expected to cost, what its usage comes to, and what the provider said, kept apart."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns; rows of before know none of them."""
    for name in ("estimated_micros", "computed_micros", "reported_micros"):
        op.add_column("attempts", sa.Column(name, sa.BigInteger))
    for name in ("price_version", "cost_doubt"):
        op.add_column("attempts", sa.Column(name, sa.Text))
