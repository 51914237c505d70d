"""References say whether they were there at enrolment; an index that nothing asks is gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Go from 0004 to this revision."""
    op.add_column(
        "references", sa.Column("added", sa.Integer(), nullable=False, server_default="0")
    )
    op.drop_index("sessions_by_end", "sessions")
