"""A compressed month of a team: eighty laptops, one server, the shipped rules in simulated time.

`python -m tests.simulation.month --demand 130` runs one; `make month` both that are judged.
"""
