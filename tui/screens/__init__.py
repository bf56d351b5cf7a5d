"""What opens over the screen."""
