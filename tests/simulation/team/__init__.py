"""The team protocol, simulated: the shipped rules under every fault we can think of.

One seed is one history. `agentspend.core.allowance`, `agentspend.wire` and `sync_server` do all
that counts; here are only the disks, the network, the faults, the provider who knows the truth,
and the invariants (protocol study §2.11).

    python -m tests.simulation.team --steps 1000000 --seed 1
    python -m tests.simulation.team --replay 42          one history, step by step
"""
