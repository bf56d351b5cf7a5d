"""What one seed draws: sizes, pools, and how often each thing happens.

Every history is lopsided in its own way (swarm testing): a fault that is absent lets others go
further, and one that is frequent meets them all.
"""

import random
from dataclasses import dataclass

from sync_server.allowance.sizing import Sizing

DEVICE = {
    "ask": 40, "finish": 22, "sync": 24, "shrink": 4, "release": 1, "tidy": 6, "return_some": 2,
    "kill": 3, "start": 9, "sleep": 1, "wake": 3, "backup": 1, "restore": 1, "clone": 1, "enrol": 1,
    "destroy": 0.2,
}  # fmt: skip
NETWORK = {"deliver": 90, "drop": 3, "duplicate": 4}
SERVER = {
    "roll_day": 1.3, "roll_month": 0.5, "cap": 0.5, "revoke": 0.1, "write_off": 3, "lose": 0.1,
    "server_crash": 2, "server_backup": 0.6, "server_restore": 0.5,
}  # fmt: skip
TWINS = {"snapshot": 1, "resume": 1}
TEAMS = ("web", "data")
MOVES = {"move": 0.5}
"""What happens besides where members may be in two teams."""
SHARED = ("org", "project")
"""Whoever's team pays, these count too."""
POOLS_OF_TEAMS = tuple(f"{name}_{kind}" for name in (*SHARED, *TEAMS) for kind in ("month", "day"))
POOLS = ("org_month", "org_day", "team_month", "team_day", "project_month", "project_day")


@dataclass(frozen=True, slots=True)
class Draw:
    """One history's choices."""

    seed: int
    machines: int
    pools: tuple[str, ...]
    caps: dict[str, int]
    largest_bound: int
    sizing: Sizing
    weights: dict[str, float]
    batch: int
    bytes_on_the_wire: bool
    real_keys: bool


def draw(seed: int, *, twins: bool = False, teams: bool = False) -> Draw:
    """The choices of a seed."""
    rng = random.Random(seed)
    count = rng.choice((3, 4, 5, 8) if teams else (1, 2, 2, 3, 4, 6))
    names = POOLS_OF_TEAMS if teams else POOLS
    pools = tuple(sorted(rng.sample(names, count), key=names.index))
    more = {**(TWINS if twins else {}), **(MOVES if teams else {})}
    largest = rng.choice((10, 60, 100))
    caps = {}
    for pool in pools:
        most = rng.choice((4, 15, 60)) if pool.endswith("day") else rng.choice((8, 40, 200))
        caps[pool] = rng.randint(2 * largest, largest * most)
    weights = {}
    for name, weight in {**DEVICE, **NETWORK, **SERVER, **more}.items():
        weights[name] = weight * rng.choice((0.1, 0.5, 1, 1, 2, 4))
    for name in ("kill", "clone", "restore", "server_restore", "revoke", "destroy", "lose", "drop"):
        if rng.random() < 0.25:
            weights[name] = 0
    return Draw(
        seed=seed,
        machines=rng.randint(2, 5),
        pools=pools,
        caps=caps,
        largest_bound=largest,
        sizing=Sizing(
            float_nusd=rng.choice((0, 20, 100)),
            least_burn_nusd=rng.choice((1, 20)),
            most_nusd=rng.choice((50, 200)),
            grain_nusd=rng.choice((3, 10)),
            share=rng.choice((2, 3, 8)),
        ),
        weights=weights,
        batch=rng.choice((1, 3, 20, 200)),
        bytes_on_the_wire=seed % 4 == 0,
        real_keys=seed % 40 == 0,
    )
