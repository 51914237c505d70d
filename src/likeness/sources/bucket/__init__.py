"""Buckets in object stores: S3, Google, Azure, or a local folder by a ``file://`` address."""
