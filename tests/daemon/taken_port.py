"""The real daemon where the port it would take is another person's: the first word is that one.

4141 itself is left alone: others may have it here, or give it back meanwhile.
"""

import sys
from dataclasses import replace

from agentspend.config.load import Loaded
from agentspend.config.paths import Paths
from agentspend.daemon import main

read = main.load_with_zone


def meaning(paths: Paths) -> Loaded:
    """The configuration as if that port were the one that is meant without a word."""
    loaded = read(paths)
    return replace(loaded, config=replace(loaded.config, port=int(sys.argv[1])))


main.load_with_zone = meaning  # type: ignore[attr-defined, assignment]
sys.exit(main.main())
