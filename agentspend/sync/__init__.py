"""The door to the team: reports what was spent, brings back allowance, never in a request's way.

`client` speaks HTTP, `pump` decides when, `anchor` says where a ledger lives. Nothing here is
waited for by a request, but one top-up when allowance is all it lacks.
"""
