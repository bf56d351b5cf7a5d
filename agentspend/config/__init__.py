"""Files, folders and keys of one user → validated values. Decides nothing, writes only when asked."""
