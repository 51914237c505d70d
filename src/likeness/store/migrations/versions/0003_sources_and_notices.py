"""What further sources need, photos held more than once, and notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from likeness.records.address import address_key

revision = "0003"
down_revision = "0002"

AT_ONCE = 10_000


def upgrade() -> None:
    """Add columns and tables; of what is held, only the keys of addresses are filled in."""
    for column in (
        sa.Column("look", sa.LargeBinary()),
        sa.Column("picture", sa.Integer()),
        sa.Column("frame", sa.Text()),
        sa.Column("apart", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("stopped", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("photos", column)
    op.create_index("photos_by_picture", "photos", ["picture"])
    op.create_table(
        "look_heads",
        sa.Column("photo_id", sa.Integer(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["photo_id"], ["photos.photo_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("photo_id"),
    )
    for column in (
        sa.Column("start_ms", sa.Integer()),
        sa.Column("end_ms", sa.Integer()),
        sa.Column("rights", sa.Text(), nullable=False, server_default=""),
        sa.Column("page_key", sa.Text(), nullable=False, server_default=""),
        sa.Column("media_key", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("sightings", column)
    _fill_keys()
    op.create_index("sightings_by_page_key", "sightings", ["page_key"])
    op.create_index("sightings_by_media_key", "sightings", ["media_key"])
    op.add_column("runs", sa.Column("account", sa.Text()))
    _sources()
    _notices()


def _fill_keys() -> None:
    connection = op.get_bind()
    last = 0
    while True:
        rows = connection.execute(
            sa.text(
                "SELECT sighting_id, page_url, media_url FROM sightings"
                " WHERE sighting_id > :last ORDER BY sighting_id LIMIT :most"
            ),
            {"last": last, "most": AT_ONCE},
        ).all()
        if not rows:
            return
        connection.execute(
            sa.text(
                "UPDATE sightings SET page_key = :page, media_key = :media WHERE sighting_id = :id"
            ),
            [
                {
                    "page": address_key(row.page_url),
                    "media": address_key(row.media_url),
                    "id": row.sighting_id,
                }
                for row in rows
            ],
        )
        last = rows[-1].sighting_id


def _sources() -> None:
    op.create_table(
        "videos",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("modified_ns", sa.Integer(), nullable=False),
        sa.Column("link_mark", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.source_id"]),
        sa.PrimaryKeyConstraint("source_id", "item"),
    )
    op.create_table(
        "fetched",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("modified_ns", sa.Integer(), nullable=False),
        sa.Column("link_mark", sa.String(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.source_id"]),
        sa.PrimaryKeyConstraint("source_id", "url"),
    )
    op.create_table(
        "authorisations",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.Column("checked_at", sa.String()),
        sa.PrimaryKeyConstraint("domain"),
    )


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("given_at", sa.String(), nullable=False),
        sa.Column("done_at", sa.String()),
        sa.Column("lifted_at", sa.String()),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.Column("low_key", sa.Text()),
        sa.Column("high_key", sa.Text()),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id"),
        sa.UniqueConstraint("serial"),
    )
    op.create_index("notices_by_state", "notices", ["state"])
    op.create_table(
        "stopped_sources",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.source_id"]),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.notice_id"]),
        sa.PrimaryKeyConstraint("source_id", "notice_id"),
    )
    op.create_table(
        "blocks",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.notice_id"]),
        sa.PrimaryKeyConstraint("mark", "notice_id"),
    )
    op.create_index("blocks_by_notice", "blocks", ["notice_id"])
