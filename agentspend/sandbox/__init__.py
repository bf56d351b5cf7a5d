"""A local server that answers as the Anthropic API does and keeps its own bill.

It stands alone: nothing here imports the rest of `agentspend`, and its price list is written by
hand, so that a test which compares our ledger with this bill can find us wrong. Start at
`server.Sandbox` (the server), `model.answer` (the same billing without sockets) and
`behaviour.Behaviour` (what it is told to do).
"""
