"""The typer application: mounts the commands and turns errors into one line."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from hwsim import __version__
from hwsim.commands.catalog import list_entries, show
from hwsim.commands.own_device import calibrate, device_app
from hwsim.commands.reproduce import reproduce
from hwsim.commands.rtl import app as rtl_app
from hwsim.commands.run import run
from hwsim.commands.sweep import sweep
from hwsim.commands.validate import validate
from hwsim.errors import HwsimError

HELP = """One simulator for inference hardware, from the spec sheet to the RTL.

\b
One decode step of a network on a device, explained operator by operator:
  hwsim run llama-2-7b --on a100-sxm-80gb
\b
Prefill and decode in one HTML report:
  hwsim run llama-2-7b --on a100-sxm-80gb --phase prefill,decode --report report.html
\b
Two devices side by side; a prompt and 256 generated tokens:
  hwsim run llama-2-7b --on a100-sxm-80gb --on h100-sxm-80gb --phase generate --output 256
\b
Your own config.json, eight devices, a what-if, where one number comes from:
  hwsim run path/to/config.json --on "8x h100-sxm-80gb over nvlink-4" --parallel tp=8
  hwsim run llama-2-7b --on a100-sxm-80gb --set device.memory.bandwidth="3 TB/s"
  hwsim run llama-2-7b --on a100-sxm-80gb --explain attention
\b
A technique (hwsim list techniques), as a rewrite of the network's operators:
  hwsim run llama-2-7b --on a100-sxm-80gb --context 4000 --technique kv-eviction:budget=1024
\b
A design space: every point kept as Parquet, the Pareto front, a report:
  hwsim sweep experiments/sweeps/decode_accelerator.toml --out sweep-results
\b
Published systems: what was given, predicted and published, and the error:
  hwsim reproduce cambricon-llm
  hwsim reproduce --all --report reproduced.html
\b
How far predictions are from measured kernels (extra "validation"):
  hwsim validate --device h100-sxm-80gb --operator matmul --report validation.html
\b
Your own device, your own measurements:
  hwsim device new --from h100-sxm-80gb --set sm_count=100 --out mine.toml
  hwsim calibrate mine.toml measured.csv --out fitted.toml
\b
What the catalog holds:
  hwsim list networks
  hwsim show llama-2-7b
  hwsim show a100-sxm-80gb
"""

INTERRUPTED = 130
GROUPS = (("device",), ("rtl",))  # commands that are several; alone they print their help

app = typer.Typer(
    help=HELP, add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)  # fmt: skip


def _version(value: bool) -> None:
    if value:
        print(f"hwsim {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command("run")(run)
app.command("list")(list_entries)
app.command("show")(show)
app.command("sweep")(sweep)
app.command("validate")(validate)
app.command("calibrate")(calibrate)
app.add_typer(device_app, name="device")
app.command("reproduce")(reproduce)
app.add_typer(rtl_app, name="rtl")


def run_app(arguments: Sequence[str]) -> int:
    """Run the application on arguments; return the exit status: 0 fine, 2 bad input, 130 interrupted."""
    try:
        alone = len(arguments) == 0 or tuple(arguments) in GROUPS
        status = app([*arguments, *(["--help"] if alone else [])], prog_name="hwsim", standalone_mode=False)
        sys.stdout.flush()
    except HwsimError as error:
        return _refuse(str(error))
    except typer.TyperException as error:
        return _refuse(error.format_message() + _given(error, arguments))
    except (typer.Abort, KeyboardInterrupt) as error:
        return _interrupted(str(error))
    except (BrokenPipeError, SystemExit):  # who reads the output has seen enough: typer and rich leave by the latter
        _silence()
        return 0
    except OSError as error:
        _silence()
        return _refuse(f"cannot write {error.filename or 'the output'}: {error.strerror}")
    if status == INTERRUPTED:  # what typer makes of an interrupt
        return _interrupted()
    return status if isinstance(status, int) else 0


def _interrupted(message: str = "") -> int:
    print(f"hwsim: {message or 'interrupted'}", file=sys.stderr)
    return INTERRUPTED


def _silence() -> None:
    """Let what is still buffered go nowhere, so that leaving does not fail on it."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _given(error: Exception, arguments: Sequence[str]) -> str:
    """The text that an option got, which the parser's own message leaves out."""
    names = getattr(getattr(error, "param", None), "opts", [])
    for name, value in zip(arguments, arguments[1:], strict=False):
        if name in names:
            return f" (got '{value}')"
    return ""


def _refuse(message: str) -> int:
    print("hwsim: " + " ".join(message.split()), file=sys.stderr)
    return 2
