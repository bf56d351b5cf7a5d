"""Forward-only schema changes, one file each in `versions/`."""
