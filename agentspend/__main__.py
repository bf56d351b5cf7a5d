"""The program `agentspend`: `run` and the daemon by the shortest way, the rest through typer."""

import gc
import os
import sys

from agentspend.cli import diagnostics
from agentspend.config.paths import settle_home
from agentspend.core.errors import AgentspendError


def main() -> int:
    """Do what the command line says; returns the exit code."""
    words = sys.argv[1:]
    settle_home(os.environ)
    try:
        if words[:1] == ["run"] and words[1:2] not in (["--help"], ["-h"]):
            from agentspend.cli import run

            return run.main(words[1:])
        if words[:1] == ["statusline"] and not {"--help", "-h", "--install", "--undo"} & set(words):
            from agentspend.cli import statusline

            return statusline.main(words[1:])
        if words == ["daemon", "run"]:
            gc.disable()  # Until it is ready: imports make no garbage, a look takes 6 % longer.
            from agentspend.daemon.early import without_certificates

            with without_certificates():
                from agentspend.daemon.main import main as serve

            return serve()
        if words == ["daemon", "start"]:
            from agentspend.cli import daemon_start

            daemon_start.start()
            return diagnostics.ExitCode.OK
        from agentspend.cli import app

        return app.main(words)
    except AgentspendError as error:
        diagnostics.tell(error)
        return diagnostics.exit_code(error)
    except KeyError:
        # An answer of another version's daemon lacks what this command reads.
        from agentspend.cli import access, renewal

        other = renewal.of_two_versions(access.folders())
        if other is None:
            raise
        diagnostics.tell(other)
        return diagnostics.exit_code(other)
    except KeyboardInterrupt:
        return diagnostics.ExitCode.INTERRUPT
    except BrokenPipeError:
        diagnostics.close_pipes()
        return diagnostics.ExitCode.OK
    except OSError as error:
        refused = diagnostics.of_machine(error)
        if refused is None:
            raise
        diagnostics.tell(refused)
        return diagnostics.exit_code(refused)


if __name__ == "__main__":
    sys.exit(main())
