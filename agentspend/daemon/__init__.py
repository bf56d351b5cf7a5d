"""The roof: builds store → bookkeeper → doors. Nothing imports it but the CLI."""
