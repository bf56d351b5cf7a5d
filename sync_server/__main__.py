"""The program `agentspend-server`; without its libraries it says how to get them.

A developer's own install has the program, too, but not what a server needs (`[server]`).
"""

import sys

LIBRARIES = frozenset({"alembic", "psycopg", "sqlalchemy"})
"""The extra `server` of pyproject.toml."""


def main() -> int:
    """Do what the command line says; returns the exit code."""
    try:
        from sync_server.cli import app

        return app.main()
    except ModuleNotFoundError as error:
        if error.name not in LIBRARIES:
            raise
        sys.stderr.write(
            f"agentspend-server: the server's own libraries are not installed ({error.name})\n"
            "→ uv tool install 'agentspend-cli[server]'    or, from a clone: uv tool install"
            " '.[server]'\n"
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())
