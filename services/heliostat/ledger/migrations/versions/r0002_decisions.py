"""Why an attempt's target was chosen: heliostat.api.image.v1.Decision, with the first attempt that follows from it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("attempts", sa.Column("decision", sa.LargeBinary))
