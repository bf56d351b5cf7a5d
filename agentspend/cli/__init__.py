"""The commands: one file each, everything heavy imported only by the command that needs it.

`output` is the only writer of stdout (data), `diagnostics` the only writer of stderr (talk).
Commands hold no logic of their own: they ask the daemon, edit the configuration, and show.
"""
