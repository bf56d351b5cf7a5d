"""How the daemon's process is set up."""

import subprocess
import sys

STARTED = """
import gc
gc.disable()
from agentspend.daemon.lifecycle import collect_rarely
collect_rarely()
print(gc.isenabled(), gc.get_freeze_count() > 0)
"""


def test_the_collector_works_once_the_daemon_is_ready() -> None:
    """It is off while the daemon starts; what the start built it leaves alone."""
    done = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True"], done.stderr
