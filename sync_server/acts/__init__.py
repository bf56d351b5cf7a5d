"""What people may do: each act reads, checks and says what shall be true; the service does it."""
