"""Files, folders and keys of one user → validated values; written only when asked."""
