"""How hypothesis behaves in all tests: it judges what they find, never how fast a machine is.

Its first strings on a new machine take seconds (it builds a table of all characters), which it
would call a test that is too slow.

And that Ctrl-C reaches what tests start: a shell's background job ignores it, and so would they.
"""

import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any_machine")

signal.signal(signal.SIGINT, signal.default_int_handler)
