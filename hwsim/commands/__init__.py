"""The command line: one file a command; errors become one line and exit status 2."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    from hwsim.commands.app import run_app

    sys.exit(run_app(sys.argv[1:]))
