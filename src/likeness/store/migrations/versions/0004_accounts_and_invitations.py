"""What the web app needs: accounts that sign in, invitations, uploads, previews, and undoing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add columns and tables; the first account becomes the owner, every other a member."""
    for table, column in (
        ("accounts", sa.Column("role", sa.String(), nullable=False, server_default="member")),
        ("accounts", sa.Column("state", sa.String(), nullable=False, server_default="active")),
        ("collections", sa.Column("retention_days", sa.Integer())),
        ("collections", sa.Column("ask_purpose", sa.Integer(), nullable=False, server_default="0")),
        ("references", sa.Column("live", sa.Integer(), nullable=False, server_default="0")),
        ("proposals", sa.Column("unsure_at", sa.String())),
        ("sightings", sa.Column("added_at", sa.String(), nullable=False, server_default="")),
    ):
        op.add_column(table, column)
    op.execute(
        "UPDATE accounts SET role = 'owner' WHERE account_id ="
        " (SELECT account_id FROM accounts ORDER BY created_at, account_id LIMIT 1)"
    )
    op.create_index("runs_by_source", "runs", ["source_id", "started_at"])
    op.create_index("sightings_by_taken_at", "sightings", ["taken_at", "photo_id"])
    _retention()
    _waiting_consents()
    _photos_and_links()
    _signing_in()
    _invitations_and_uploads()


def _retention() -> None:
    # When it came into the collection was not written down: since when the library has had it was.
    op.execute(
        "UPDATE sightings SET added_at ="
        " (SELECT added_at FROM photos WHERE photos.photo_id = sightings.photo_id)"
    )
    op.create_index("sightings_by_added", "sightings", ["source_id", "added_at"])
    op.create_table(
        "retained",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.collection_id"]),
        sa.PrimaryKeyConstraint("mark"),
    )
    op.create_index("retained_by_collection", "retained", ["collection_id", "told"])


def _waiting_consents() -> None:
    # SQLite cannot change a check of a table: it is made anew.
    op.create_table(
        "consents_anew",
        sa.Column("consent_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'given', 'superseded', 'withdrawn')", name="consent_state"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"]),
        sa.PrimaryKeyConstraint("consent_id"),
    )
    op.execute(
        "INSERT INTO consents_anew (consent_id, person_id, state, record)"
        " SELECT consent_id, person_id, state, record FROM consents"
    )
    op.drop_table("consents")
    op.rename_table("consents_anew", "consents")
    op.create_index("consents_by_person", "consents", ["person_id"])


def _photos_and_links() -> None:
    op.create_table(
        "previews",
        sa.Column("photo_id", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["photo_id"], ["photos.photo_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("photo_id"),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("decided_at", sa.String(), nullable=False),
        sa.Column("undone_at", sa.String()),
        sa.ForeignKeyConstraint(["face_id"], ["faces.face_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("decision_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("decisions_by_account", "decisions", ["account_id", "decision_id"])
    op.create_index("decisions_by_face", "decisions", ["face_id"])
    op.create_index("decisions_by_person", "decisions", ["person_id"])
    op.create_table(
        "same_people",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("merged_at", sa.String(), nullable=False),
        sa.Column("merged_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_index("same_people_by_group", "same_people", ["group_id"])


def _signing_in() -> None:
    op.create_table(
        "credentials",
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("used_at", sa.String()),
        sa.PrimaryKeyConstraint("credential_id"),
    )
    op.create_index("credentials_by_subject", "credentials", ["subject_id"])
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("seen_at", sa.String(), nullable=False),
        sa.Column("ends_at", sa.String(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_index("sessions_by_subject", "sessions", ["subject_id"])
    op.create_index("sessions_by_end", "sessions", ["ends_at"])
    op.create_table(
        "sign_in_links",
        sa.Column("link_id", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.Column("used_at", sa.String()),
        sa.PrimaryKeyConstraint("link_id"),
    )
    op.create_index("sign_in_links_by_subject", "sign_in_links", ["subject_id"])


def _invitations_and_uploads() -> None:
    op.create_table(
        "invitations",
        sa.Column("invitation_id", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("label", sa.LargeBinary()),
        sa.Column("person_id", sa.String()),
        sa.Column("taken_at", sa.String()),
        sa.ForeignKeyConstraint(["created_by"], ["accounts.account_id"]),
        sa.PrimaryKeyConstraint("invitation_id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_index("invitations_by_person", "invitations", ["person_id"])
    op.create_index("invitations_by_state", "invitations", ["state"])
    op.create_table(
        "uploads",
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("seen_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"]),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.collection_id"]),
        sa.PrimaryKeyConstraint("upload_id"),
    )
    op.create_table(
        "upload_files",
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["uploads.upload_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("upload_id", "number"),
    )
