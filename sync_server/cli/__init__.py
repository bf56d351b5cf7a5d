"""`agentspend-server`: the lead's commands, on the server's machine or on any other."""
