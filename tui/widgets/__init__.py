"""What the screen is put together from. Each is handed finished lines or rows."""
