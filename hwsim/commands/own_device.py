"""`hwsim device new` and `hwsim calibrate`: a user's own hardware and measurements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hwsim.errors import InputError

device_app = typer.Typer(help="Device files of your own.", no_args_is_help=True, rich_markup_mode=None)


@device_app.callback()
def _devices() -> None:
    pass


@device_app.command("new")
def new(
    source: Annotated[str, typer.Option("--from", metavar="NAME", help="A catalog device or a TOML path.")],
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="A value to change; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; default: NAME-new.toml here.")] = None,
) -> int:
    """Write a device file from another one, with some values changed; each keeps its source or says that you set it."""
    from hwsim.experiments.calibration.device_text import stated, toml_text
    from hwsim.models.catalog import read_device
    from hwsim.models.catalog.files import find

    changes = dict(_change(text) for text in values or ())
    read_device(source, changes)  # refuses an unknown path or an impossible value
    target = out or Path(f"{Path(source).stem}-new.toml")
    if target.suffix != ".toml":
        raise InputError(f"--out '{target}': a device file ends in .toml")
    text = find("devices", source).read_text(encoding="utf-8")
    text = stated(text, {path: toml_text(value) for path, value in changes.items()}, "set by the user")
    text = stated(text, {"status.latency": '"unvalidated"', "status.power": '"unvalidated"'}, f"from {source}")
    _write(target, text)
    read_device(target)
    print(f"{target}: hwsim run llama-2-7b --on {target if '/' in str(target) else './' + str(target)}")
    return 0


def _change(text: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not equals or not path.strip() or not value.strip():
        raise InputError(f"--set '{text}': must be PATH=VALUE, such as memory.bandwidth=\"3 TB/s\"")
    return path.strip().removeprefix("device."), value.strip().strip("\"'")


def _write(target: Path, text: str) -> None:
    if target.exists():
        raise InputError(f"'{target}' exists; name another file with --out")
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write '{target}': {error.strerror or error}") from error


def calibrate(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="A device file of your own (TOML), or a name.")],
    measured: Annotated[Path, typer.Argument(metavar="CSV", help="Columns: arguments of estimate, and latency_s.")],
    operator: Annotated[str, typer.Option(help="Which operator the rows are: matmul or attention.")] = "matmul",
    out: Annotated[Path | None, typer.Option(help="Write the device with the fitted constants here.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> int:
    """Fit a GPU's documented constants to your measurements.

    Prints the constants, and the error before and after; after is cross-validated: every point is predicted by
    constants fitted without it. Too few points are refused.
    """
    from hwsim.experiments.calibration.device_text import stated
    from hwsim.experiments.calibration.own_device import fit_own, read_measured
    from hwsim.models.catalog import read_device
    from hwsim.models.catalog.files import find

    model = read_device(device)
    rows, seconds = read_measured(measured, operator)
    found = fit_own(model, operator, rows, seconds)
    if out is not None:
        comment = f"fitted: hwsim calibrate {device} {measured.name} --operator {operator} ({found.points} points)"
        text = stated(find("devices", device).read_text(encoding="utf-8"), found.constants, comment)
        _write(out, stated(text, {"status.latency": '"calibrated"'}, comment))
        read_device(out)
    if json_output:
        print(json.dumps({
            "schema_version": 1, "device": model.name, "operator": operator, "points": found.points,
            "error_before": found.before, "error_after": found.after, "error_on_fitted": found.on_fitted,
            "constants": {path: text.strip('"') for path, text in found.constants.items()},
        }, allow_nan=False))  # fmt: skip
        return 0
    print(f"{operator}, {found.points} points: {100 * found.before:.1f} % before, {100 * found.after:.1f} % after "
          f"(cross-validated; {100 * found.on_fitted:.1f} % on the points fitted)")  # fmt: skip
    for path, text in found.constants.items():
        print(f"{path} = {text}")
    if out is not None:
        print(f"Written: {out}")
    return 0
