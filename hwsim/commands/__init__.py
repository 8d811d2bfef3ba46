"""The command line: one file a command; errors become one line and exit status 2."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    try:
        from hwsim.commands.app import run_app

        status = run_app(sys.argv[1:])
    except KeyboardInterrupt:  # before the commands were even read
        print("hwsim: interrupted", file=sys.stderr)
        status = 130
    sys.exit(status)
