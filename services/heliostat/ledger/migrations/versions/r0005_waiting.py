"""How an answer is to be written once its caller asks for the job, and that its caller wants it ended."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns; requests of before were asked for in no form, and nobody wants them ended."""
    op.add_column("requests", sa.Column("answer_form", sa.Text))
    op.add_column("requests", sa.Column("cancel_time_us", sa.BigInteger))
