"""Where photos come from: each source lists its photos in order, reads them and links back."""
