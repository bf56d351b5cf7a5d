"""Door 1: agents. One request's life is `exchange.py`, top to bottom."""
