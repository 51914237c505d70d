"""The tables behind signing in, invitations and uploads."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from likeness.store.schema import metadata

# How an account or a person signs in: passkeys and passwords, sealed under their own key.
credentials = Table(
    "credentials",
    metadata,
    Column("credential_id", String, primary_key=True),
    Column("subject_id", String, nullable=False),
    # passkey or password.
    Column("kind", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("sign_count", Integer, nullable=False, server_default="0"),
    Column("created_at", String, nullable=False),
    Column("used_at", String),
    Index("credentials_by_subject", "subject_id"),
)

# Whoever is signed in, by the hash of what their browser holds.
sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String, primary_key=True),
    Column("subject_id", String, nullable=False),
    # account or person.
    Column("kind", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("seen_at", String, nullable=False),
    Column("ends_at", String, nullable=False),
    # The browser's name, sealed under the subject's key.
    Column("device", LargeBinary, nullable=False),
    Index("sessions_by_subject", "subject_id"),
)

# Links that sign somebody in, by the hash of what they hold.
sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("link_id", String, primary_key=True),
    Column("subject_id", String, nullable=False),
    # set_up: once, to choose a passkey or a password; return: a person's way back, until it ends.
    Column("kind", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("used_at", String),
    Index("sign_in_links_by_subject", "subject_id"),
)

# Invitations to enrol, by the hash of the link's secret.
invitations = Table(
    "invitations",
    metadata,
    Column("invitation_id", String, primary_key=True),
    Column("secret_hash", String, nullable=False, unique=True),
    Column("created_by", ForeignKey("accounts.account_id"), nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    # open; waiting, for an operator; done; declined; revoked.
    Column("state", String, nullable=False),
    # Collections, purposes, language and whether an operator has to approve, as JSON.
    Column("terms", Text, nullable=False),
    # For whom it is, in the operator's words, under the operator's key; under the person's too
    # once they enrolled, and gone with them.
    Column("label", LargeBinary),
    # Who enrolled by it; forgotten when they are erased.
    Column("person_id", String),
    Column("taken_at", String),
    Index("invitations_by_person", "person_id"),
    Index("invitations_by_state", "state"),
)

# Files that arrive in pieces, until they are taken into a collection.
uploads = Table(
    "uploads",
    metadata,
    Column("upload_id", String, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("collection_id", ForeignKey("collections.collection_id"), nullable=False),
    # photos, or export.
    Column("kind", String, nullable=False),
    # receiving, taking, done or failed.
    Column("state", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("seen_at", String, nullable=False),
)

upload_files = Table(
    "upload_files",
    metadata,
    Column("upload_id", ForeignKey("uploads.upload_id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("received", Integer, nullable=False),
)
