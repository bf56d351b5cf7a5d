"""Vendors' formats, without I/O: one room an API, `routes` says which one a path speaks."""
