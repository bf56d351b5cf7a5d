"""The server's side of the allowance protocol, pure: what it grants, takes in and writes down.

One decision reads a `case`; a sync is `intake` (R7), then `grants` (R8), in `desk`'s order. Every
decision is a line of the `journal`, and `replay` makes such a line true again. No clock, no
database: the simulator runs these very modules (protocol study §2).
"""
