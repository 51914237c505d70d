"""What a library needs to change its model pack, and to keep thresholds measured for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns and tables; nothing that is held changes."""
    op.add_column("photos", sa.Column("found_with", sa.String(), nullable=False, server_default=""))
    op.create_index("photos_by_found_with", "photos", ["found_with"])
    # Until now a library had one pack for its whole life.
    op.execute("UPDATE photos SET found_with = (SELECT pack_fingerprint FROM library)")
    for column in (
        sa.Column("under_exposure", sa.Float()),
        sa.Column("over_exposure", sa.Float()),
        sa.Column("dynamic_range", sa.Float()),
        sa.Column("unified", sa.Integer()),
        sa.Column("alignment", sa.String(), nullable=False, server_default="dlib-5"),
        sa.Column("lost", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("faces", column)
    op.add_column(
        "references",
        sa.Column("alignment", sa.String(), nullable=False, server_default="dlib-5"),
    )
    _staged_templates()
    _operating_points()


def _staged_templates() -> None:
    op.create_table(
        "staged_templates",
        sa.Column("reference_id", sa.String(), nullable=False),
        sa.Column("pack_fingerprint", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("template", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"]),
        sa.ForeignKeyConstraint(["reference_id"], ["references.reference_id"]),
        sa.PrimaryKeyConstraint("reference_id", "pack_fingerprint"),
    )
    op.create_index("staged_templates_by_person", "staged_templates", ["person_id"])


def _operating_points() -> None:
    op.create_table(
        "operating_points",
        sa.Column("pack_fingerprint", sa.String(), nullable=False),
        sa.Column("gallery_size", sa.Integer(), nullable=False),
        sa.Column("strong", sa.Float(), nullable=False),
        sa.Column("review", sa.Float(), nullable=False),
        sa.Column("margin", sa.Float(), nullable=False),
        sa.Column("measured_on", sa.Text(), nullable=False),
        sa.Column("calibrated_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("pack_fingerprint", "gallery_size"),
    )
