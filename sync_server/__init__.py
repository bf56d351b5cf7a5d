"""The team server: holds the caps and hands back allowance."""
