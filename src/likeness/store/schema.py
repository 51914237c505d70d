"""The tables. What is personal about a person is ciphertext under their own key."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

library = Table(
    "library",
    metadata,
    Column("row", Integer, primary_key=True),
    Column("library_id", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("pack", String, nullable=False),
    Column("pack_fingerprint", String, nullable=False),
    # Raised by each transaction that changes whom photos are compared with.
    Column("gallery_change", Integer, nullable=False),
    Column("audit_tree", LargeBinary, nullable=False),
    # How many tombstones the keyring held at the last erasure, and their running hash.
    Column("tombstone_count", Integer, nullable=False),
    Column("tombstone_digest", String, nullable=False),
    CheckConstraint("row = 1"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("created_at", String, nullable=False),
    # owner, operator or member.
    Column("role", String, nullable=False, server_default="member"),
    # active, or ended: it signs in no more, and what it did keeps its name.
    Column("state", String, nullable=False, server_default="active"),
)

collections = Table(
    "collections",
    metadata,
    Column("collection_id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("controller", String, nullable=False),
    Column("purpose_text", Text, nullable=False),
    Column("created_at", String, nullable=False),
    # Photos go this many days after they were added; null where they stay.
    Column("retention_days", Integer),
    # 1 where whoever searches has to say what for.
    Column("ask_purpose", Integer, nullable=False, server_default="0"),
)

collection_audience = Table(
    "collection_audience",
    metadata,
    Column("collection_id", ForeignKey("collections.collection_id"), primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), primary_key=True),
)

sources = Table(
    "sources",
    metadata,
    Column("source_id", String, primary_key=True),
    Column("collection_id", ForeignKey("collections.collection_id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("address", Text, nullable=False),
    # active; removing, until everything from it is gone and the receipt is issued; removed;
    # stopped, by a notice.
    Column("state", String, nullable=False),
    Column("added_at", String, nullable=False),
    # What went of it so far while it is removed, for the receipt.
    Column("sightings_removed", Integer, nullable=False),
    Column("photos_removed", Integer, nullable=False),
    UniqueConstraint("collection_id", "kind", "address"),
)

photos = Table(
    "photos",
    metadata,
    Column("photo_id", Integer, primary_key=True),
    Column("sha256", String, nullable=False, unique=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("format", String, nullable=False),
    Column("added_at", String, nullable=False),
    # The gallery change number that the photo was compared with.
    Column("matched_through", Integer, nullable=False),
    # Fingerprint of the pack that its faces were found with; empty where that is not known.
    Column("found_with", String, nullable=False, server_default=""),
    # The look of the whole picture, by which near-identical ones are told; it is of no face.
    Column("look", LargeBinary),
    # Near-identical photos have one number, and each its place in the frame that they share.
    Column("picture", Integer),
    Column("frame", Text),
    # 1 where somebody said that it is no copy of another.
    Column("apart", Integer, nullable=False, server_default="0"),
    # 1 from a notice about this very photo until it is gone.
    Column("stopped", Integer, nullable=False, server_default="0"),
    Index("photos_by_matched_through", "matched_through"),
    Index("photos_by_found_with", "found_with"),
    Index("photos_by_picture", "picture"),
    sqlite_autoincrement=True,
)

# The part of each look that tells where to look more closely, apart from the thumbnails: all of it
# is read whenever photos arrive.
look_heads = Table(
    "look_heads",
    metadata,
    Column("photo_id", ForeignKey("photos.photo_id", ondelete="CASCADE"), primary_key=True),
    Column("head", LargeBinary, nullable=False),
)

sightings = Table(
    "sightings",
    metadata,
    Column("sighting_id", Integer, primary_key=True),
    Column("photo_id", ForeignKey("photos.photo_id"), nullable=False),
    Column("source_id", ForeignKey("sources.source_id"), nullable=False),
    Column("item", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("modified_ns", Integer, nullable=False),
    Column("link_mark", String, nullable=False),
    Column("page_url", Text, nullable=False),
    Column("media_url", Text, nullable=False),
    Column("taken_at", String),
    Column("text", Text, nullable=False),
    Column("link_confidence", String, nullable=False),
    Column("link_from", String, nullable=False),
    # The run of `add` that saw it last; a whole run that does not see it takes it away.
    Column("seen_in_run", String, nullable=False),
    # When it is seen in a video, in milliseconds.
    Column("start_ms", Integer),
    Column("end_ms", Integer),
    Column("rights", Text, nullable=False, server_default=""),
    # The addresses as `likeness.records.address` orders them, so that all below one are a range.
    Column("page_key", Text, nullable=False, server_default=""),
    Column("media_key", Text, nullable=False, server_default=""),
    # Since when the photo has been in the collection, by whichever sighting.
    Column("added_at", String, nullable=False, server_default=""),
    UniqueConstraint("source_id", "item"),
    Index("sightings_by_added", "source_id", "added_at"),
    Index("sightings_by_photo", "photo_id"),
    Index("sightings_by_page_key", "page_key"),
    Index("sightings_by_media_key", "media_key"),
    Index("sightings_by_taken_at", "taken_at", "photo_id"),
)

# Videos whose frames are all held, so that they need not be decoded again.
videos = Table(
    "videos",
    metadata,
    Column("source_id", ForeignKey("sources.source_id"), primary_key=True),
    Column("item", Text, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("modified_ns", Integer, nullable=False),
    Column("link_mark", String, nullable=False),
)

# What was fetched of a website, so that it can be asked whether that changed.
fetched = Table(
    "fetched",
    metadata,
    Column("source_id", ForeignKey("sources.source_id"), primary_key=True),
    Column("url", Text, primary_key=True),
    Column("etag", Text, nullable=False),
    Column("last_modified", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("modified_ns", Integer, nullable=False),
    Column("link_mark", String, nullable=False),
    # What a page links to and shows, as JSON; empty for an image.
    Column("page", Text, nullable=False),
)

# Whose owner said that photos may be taken from there, and the token that they publish as proof.
authorisations = Table(
    "authorisations",
    metadata,
    Column("domain", Text, primary_key=True),
    Column("token", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("checked_at", String),
)

# Demands to stop and delete. Who gave it, about what and why is ciphertext under a key of its own.
notices = Table(
    "notices",
    metadata,
    Column("notice_id", String, primary_key=True),
    Column("kind", String, nullable=False),
    # purging, until everything is gone and the receipt is issued; done; lifted.
    Column("state", String, nullable=False),
    Column("given_at", String, nullable=False),
    Column("done_at", String),
    Column("lifted_at", String),
    Column("serial", String, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("commitment", String, nullable=False),
    # The range of address keys that it hides while it purges; null for other kinds, and when done.
    Column("low_key", Text),
    Column("high_key", Text),
    # What went so far, as JSON.
    Column("counts", Text, nullable=False),
    Index("notices_by_state", "state"),
)

# Sources that a notice stopped.
stopped_sources = Table(
    "stopped_sources",
    metadata,
    Column("source_id", ForeignKey("sources.source_id"), primary_key=True),
    Column("notice_id", ForeignKey("notices.notice_id"), primary_key=True),
)

# What must not come back: keyed hashes of addresses and of contents.
blocks = Table(
    "blocks",
    metadata,
    Column("mark", LargeBinary, primary_key=True),
    Column("notice_id", ForeignKey("notices.notice_id"), primary_key=True),
    Index("blocks_by_notice", "notice_id"),
)

# What its collection's rule took out and is not taken in again: keyed hashes of items and photos.
retained = Table(
    "retained",
    metadata,
    Column("mark", LargeBinary, primary_key=True),
    Column("collection_id", ForeignKey("collections.collection_id"), nullable=False),
    # sighting or photo: what went with it.
    Column("kind", String, nullable=False),
    # 1 once a receipt tells of it.
    Column("told", Integer, nullable=False, server_default="0"),
    Index("retained_by_collection", "collection_id", "told"),
)

# What is shown of a photo: a smaller JPEG.
previews = Table(
    "previews",
    metadata,
    Column("photo_id", ForeignKey("photos.photo_id", ondelete="CASCADE"), primary_key=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("jpeg", LargeBinary, nullable=False),
)

faces = Table(
    "faces",
    metadata,
    Column("face_id", Integer, primary_key=True),
    Column("photo_id", ForeignKey("photos.photo_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("left", Integer, nullable=False),
    Column("top", Integer, nullable=False),
    Column("right", Integer, nullable=False),
    Column("bottom", Integer, nullable=False),
    Column("score", Float, nullable=False),
    Column("landmarks", LargeBinary, nullable=False),
    Column("inter_eye", Float, nullable=False),
    Column("sharpness", Float, nullable=False),
    Column("yaw", Float, nullable=False),
    Column("roll", Float, nullable=False),
    Column("inside", Float, nullable=False),
    Column("crop", LargeBinary, nullable=False),
    # Measured since the second revision; null in photos added before.
    Column("under_exposure", Float),
    Column("over_exposure", Float),
    Column("dynamic_range", Float),
    Column("unified", Integer),
    # How the crop was aligned: the name of a frame.
    Column("alignment", String, nullable=False, server_default="dlib-5"),
    # 1 where somebody decided about this face and the pack in use no longer finds it.
    Column("lost", Integer, nullable=False, server_default="0"),
    UniqueConstraint("photo_id", "number"),
    sqlite_autoincrement=True,
)

people = Table(
    "people",
    metadata,
    Column("person_id", String, primary_key=True),
    Column("details", LargeBinary, nullable=False),
    Column("enrolled_at", String, nullable=False),
    # The gallery change number at which anything about who may find them last changed.
    Column("changed", Integer, nullable=False),
    # Photos compared with an older gallery than this have yet to be compared with this person.
    Column("comparable_since", Integer, nullable=False),
    Index("people_by_changed", "changed"),
)

consents = Table(
    "consents",
    metadata,
    Column("consent_id", String, primary_key=True),
    Column("person_id", ForeignKey("people.person_id"), nullable=False),
    Column("state", String, nullable=False),
    Column("record", LargeBinary, nullable=False),
    # waiting: given, and of no effect until an operator lets the enrolment stand.
    CheckConstraint(
        "state IN ('waiting', 'given', 'superseded', 'withdrawn')", name="consent_state"
    ),
    Index("consents_by_person", "person_id"),
)

references = Table(
    "references",
    metadata,
    Column("reference_id", String, primary_key=True),
    Column("person_id", ForeignKey("people.person_id"), nullable=False),
    Column("pack_fingerprint", String, nullable=False),
    Column("template", LargeBinary, nullable=False),
    Column("crop", LargeBinary, nullable=False),
    Column("alignment", String, nullable=False, server_default="dlib-5"),
    # 1 where it was taken by a camera that saw the person move as asked.
    Column("live", Integer, nullable=False, server_default="0"),
    # 1 where the person added it after they had enrolled.
    Column("added", Integer, nullable=False, server_default="0"),
    Index("references_by_person", "person_id"),
)

# Templates that another pack made of the same references, until the library changes over to it.
staged_templates = Table(
    "staged_templates",
    metadata,
    Column("reference_id", ForeignKey("references.reference_id"), primary_key=True),
    Column("pack_fingerprint", String, primary_key=True),
    Column("person_id", ForeignKey("people.person_id"), nullable=False),
    Column("template", LargeBinary, nullable=False),
    Index("staged_templates_by_person", "person_id"),
)

operating_points = Table(
    "operating_points",
    metadata,
    Column("pack_fingerprint", String, primary_key=True),
    Column("gallery_size", Integer, primary_key=True),
    Column("strong", Float, nullable=False),
    Column("review", Float, nullable=False),
    Column("margin", Float, nullable=False),
    Column("measured_on", Text, nullable=False),
    Column("calibrated_at", String, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("face_id", ForeignKey("faces.face_id"), primary_key=True),
    Column("person_id", ForeignKey("people.person_id"), primary_key=True),
    Column("photo_id", ForeignKey("photos.photo_id"), nullable=False),
    Column("decision", String, nullable=False),
    Column("score", Float, nullable=False),
    Column("decided_by", String, nullable=False),
    Column("decided_at", String, nullable=False),
    Index("links_by_person", "person_id"),
    Index("links_by_photo", "photo_id"),
    Index(
        "one_person_a_face",
        "face_id",
        unique=True,
        sqlite_where=text("decision = 'same'"),
        postgresql_where=text("decision = 'same'"),
    ),
    Index(
        "one_face_of_a_photo_a_person",
        "photo_id",
        "person_id",
        unique=True,
        sqlite_where=text("decision = 'same'"),
        postgresql_where=text("decision = 'same'"),
    ),
)

proposals = Table(
    "proposals",
    metadata,
    Column("face_id", ForeignKey("faces.face_id"), primary_key=True),
    Column("person_id", ForeignKey("people.person_id"), primary_key=True),
    Column("photo_id", ForeignKey("photos.photo_id"), nullable=False),
    Column("score", Float, nullable=False),
    Column("proposed_at", String, nullable=False),
    # When somebody looked at it and was not sure; it comes last then.
    Column("unsure_at", String),
    Index("proposals_by_person", "person_id", "score"),
    Index("proposals_by_photo", "photo_id"),
)

# Decisions about links as they were made, so that each can be undone.
decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", Integer, primary_key=True),
    Column("account_id", String, nullable=False),
    Column("face_id", ForeignKey("faces.face_id", ondelete="CASCADE"), nullable=False),
    Column("person_id", ForeignKey("people.person_id", ondelete="CASCADE"), nullable=False),
    # What stood before, and what took its place, as JSON: of the photo and its copies.
    Column("before", Text, nullable=False),
    Column("decision", String, nullable=False),
    Column("decided_at", String, nullable=False),
    Column("undone_at", String),
    Index("decisions_by_account", "account_id", "decision_id"),
    Index("decisions_by_face", "face_id"),
    Index("decisions_by_person", "person_id"),
    sqlite_autoincrement=True,
)

# Enrolments that somebody said are of one human being. Each keeps its key, consents and links.
same_people = Table(
    "same_people",
    metadata,
    Column("person_id", ForeignKey("people.person_id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", String, nullable=False),
    Column("merged_at", String, nullable=False),
    Column("merged_by", String, nullable=False),
    Index("same_people_by_group", "group_id"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("person_id", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("serial", String, nullable=False, unique=True),
    Column("requested_at", String, nullable=False),
    Column("counts", Text, nullable=False),
    Column("commitments", Text, nullable=False),
    Column("changed", Integer, nullable=False),
    Index("erasures_by_changed", "changed"),
    Index("erasures_by_state", "state"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("serial", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("issued_at", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("leaf_index", Integer, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("checkpoint", Text, nullable=False),
)

audit_details = Table(
    "audit_details",
    metadata,
    Column("leaf_index", ForeignKey("audit.leaf_index"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("subject_id", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("audit_details_by_subject", "subject_id"),
)

searches = Table(
    "searches",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), primary_key=True),
    Column("minute", String, primary_key=True),
    Column("count", Integer, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("source_id", ForeignKey("sources.source_id"), nullable=False),
    Column("started_at", String, nullable=False),
    Column("finished_at", String),
    # What it did, in numbers, as JSON.
    Column("account", Text),
    Index("runs_by_source", "source_id", "started_at"),
)
