"""Requests by model and time: what a report of arms looks for."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the index."""
    op.create_index("requests_by_model", "requests", ["model", "create_time_us"])
