"""The client of the daemon's local API: JSON lines over a Unix socket, standard library only."""
