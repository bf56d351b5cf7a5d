"""The migrations in order; entry bytes are never rewritten by one."""
