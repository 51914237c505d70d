"""Videos: which of their frames become photos, decoded where they can do no harm."""
