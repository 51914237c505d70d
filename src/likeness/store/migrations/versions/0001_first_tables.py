"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
        sa.UniqueConstraint("name"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("leaf_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index"),
    )


def _collections() -> None:
    op.create_table(
        "collections",
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("controller", sa.String(), nullable=False),
        sa.Column("purpose_text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("collection_id"),
        sa.UniqueConstraint("name"),
    )


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("requested_at", sa.String(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("commitments", sa.Text(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
        sa.UniqueConstraint("serial"),
    )
    op.create_index("erasures_by_changed", "erasures", ["changed"], unique=False)
    op.create_index("erasures_by_state", "erasures", ["state"], unique=False)


def _library() -> None:
    op.create_table(
        "library",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("library_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("pack_fingerprint", sa.String(), nullable=False),
        sa.Column("gallery_change", sa.Integer(), nullable=False),
        sa.Column("audit_tree", sa.LargeBinary(), nullable=False),
        sa.Column("tombstone_count", sa.Integer(), nullable=False),
        sa.Column("tombstone_digest", sa.String(), nullable=False),
        sa.CheckConstraint("row = 1"),
        sa.PrimaryKeyConstraint("row"),
    )


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("enrolled_at", sa.String(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("comparable_since", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_index("people_by_changed", "people", ["changed"], unique=False)


def _photos() -> None:
    op.create_table(
        "photos",
        sa.Column("photo_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("added_at", sa.String(), nullable=False),
        sa.Column("matched_through", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("photo_id"),
        sa.UniqueConstraint("sha256"),
        sqlite_autoincrement=True,
    )
    op.create_index("photos_by_matched_through", "photos", ["matched_through"], unique=False)


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("issued_at", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("serial"),
    )


def _audit_details() -> None:
    op.create_table(
        "audit_details",
        sa.Column("leaf_index", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["leaf_index"],
            ["audit.leaf_index"],
        ),
        sa.PrimaryKeyConstraint("leaf_index", "position"),
    )
    op.create_index("audit_details_by_subject", "audit_details", ["subject_id"], unique=False)


def _collection_audience() -> None:
    op.create_table(
        "collection_audience",
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.account_id"],
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.collection_id"],
        ),
        sa.PrimaryKeyConstraint("collection_id", "account_id"),
    )


def _consents() -> None:
    op.create_table(
        "consents",
        sa.Column("consent_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.person_id"],
        ),
        sa.CheckConstraint("state IN ('given', 'superseded', 'withdrawn')"),
        sa.PrimaryKeyConstraint("consent_id"),
    )
    op.create_index("consents_by_person", "consents", ["person_id"], unique=False)


def _faces() -> None:
    op.create_table(
        "faces",
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("photo_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("top", sa.Integer(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("bottom", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("landmarks", sa.LargeBinary(), nullable=False),
        sa.Column("inter_eye", sa.Float(), nullable=False),
        sa.Column("sharpness", sa.Float(), nullable=False),
        sa.Column("yaw", sa.Float(), nullable=False),
        sa.Column("roll", sa.Float(), nullable=False),
        sa.Column("inside", sa.Float(), nullable=False),
        sa.Column("crop", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["photo_id"],
            ["photos.photo_id"],
        ),
        sa.PrimaryKeyConstraint("face_id"),
        sa.UniqueConstraint("photo_id", "number"),
        sqlite_autoincrement=True,
    )


def _references() -> None:
    op.create_table(
        "references",
        sa.Column("reference_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("pack_fingerprint", sa.String(), nullable=False),
        sa.Column("template", sa.LargeBinary(), nullable=False),
        sa.Column("crop", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.person_id"],
        ),
        sa.PrimaryKeyConstraint("reference_id"),
    )
    op.create_index("references_by_person", "references", ["person_id"], unique=False)


def _searches() -> None:
    op.create_table(
        "searches",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("minute", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.account_id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "minute"),
    )


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("added_at", sa.String(), nullable=False),
        sa.Column("sightings_removed", sa.Integer(), nullable=False),
        sa.Column("photos_removed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.collection_id"],
        ),
        sa.PrimaryKeyConstraint("source_id"),
        sa.UniqueConstraint("collection_id", "kind", "address"),
    )


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("photo_id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["face_id"],
            ["faces.face_id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.person_id"],
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"],
            ["photos.photo_id"],
        ),
        sa.PrimaryKeyConstraint("face_id", "person_id"),
    )
    op.create_index("links_by_person", "links", ["person_id"], unique=False)
    op.create_index("links_by_photo", "links", ["photo_id"], unique=False)
    op.create_index(
        "one_face_of_a_photo_a_person",
        "links",
        ["photo_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("decision = 'same'"),
        postgresql_where=sa.text("decision = 'same'"),
    )
    op.create_index(
        "one_person_a_face",
        "links",
        ["face_id"],
        unique=True,
        sqlite_where=sa.text("decision = 'same'"),
        postgresql_where=sa.text("decision = 'same'"),
    )


def _proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("photo_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("proposed_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["face_id"],
            ["faces.face_id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.person_id"],
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"],
            ["photos.photo_id"],
        ),
        sa.PrimaryKeyConstraint("face_id", "person_id"),
    )
    op.create_index("proposals_by_person", "proposals", ["person_id", "score"], unique=False)
    op.create_index("proposals_by_photo", "proposals", ["photo_id"], unique=False)


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("started_at", sa.String(), nullable=False),
        sa.Column("finished_at", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["sources.source_id"],
        ),
        sa.PrimaryKeyConstraint("run_id"),
    )


def _sightings() -> None:
    op.create_table(
        "sightings",
        sa.Column("sighting_id", sa.Integer(), nullable=False),
        sa.Column("photo_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("modified_ns", sa.Integer(), nullable=False),
        sa.Column("link_mark", sa.String(), nullable=False),
        sa.Column("page_url", sa.Text(), nullable=False),
        sa.Column("media_url", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.String(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("link_confidence", sa.String(), nullable=False),
        sa.Column("link_from", sa.String(), nullable=False),
        sa.Column("seen_in_run", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["photo_id"],
            ["photos.photo_id"],
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["sources.source_id"],
        ),
        sa.PrimaryKeyConstraint("sighting_id"),
        sa.UniqueConstraint("source_id", "item"),
    )
    op.create_index("sightings_by_photo", "sightings", ["photo_id"], unique=False)


def upgrade() -> None:
    """Make them, those first that others refer to."""
    _accounts()
    _audit()
    _collections()
    _erasures()
    _library()
    _people()
    _photos()
    _receipts()
    _audit_details()
    _collection_audience()
    _consents()
    _faces()
    _references()
    _searches()
    _sources()
    _links()
    _proposals()
    _runs()
    _sightings()
