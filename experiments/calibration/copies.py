"""Carry fitted constants of kernels over to the generations that take them from another one.

    python -m hwsim.experiments.calibration.copies             # prints what would change
    python -m hwsim.experiments.calibration.copies --in-place  # writes it in a checkout

A line of an architecture's file says in its comment what it is: ``as Hopper``, ``Ampere's cycles at 2.52 GHz``, ``two
dies, each with an L2 as Hopper's``. After a fit this command repeats them; nothing is measured here.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from hwsim.experiments.command import exit_status
from hwsim.models.catalog import read_device

BASES = {"Ampere": "ampere", "Hopper": "hopper"}
BASE_CLOCK_GHZ = {"Ampere": 1.41, "Hopper": 1.83}  # of the devices that the constants are fitted on
SECTIONS = ("memory", "matmul", "quantise", "attention", "moe")
ROUNDING = 0.005  # a copy within half a percent stays as it is: its digits, and those of the clocks, were rounded
LINE = re.compile(r"^(?P<key>\w+) = (?P<value>\"[^\"]*\"|[\d.]+)(?P<rest> +# \(assumption\) (?P<meaning>.*))$")
SAME = re.compile(r"^as (Ampere|Hopper)(;|$)")
CYCLES = re.compile(r"^(Ampere|Hopper)'s cycles at ([\d.]+) GHz")
TWICE = re.compile(r"^two dies, each with an L2 as (Ampere|Hopper)'s")


def folder() -> Path:
    """The catalog's architectures in this checkout."""
    return Path(read_device.__code__.co_filename).parent / "architectures"


def text_of(value: float | str) -> str:
    """A TOML value as it is written.

    >>> text_of("2.2 us"), text_of(0.84), text_of(146)
    ('"2.2 us"', '0.84', '146')
    """
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if abs(value) < 1e6 else str(value)


def copied(meaning: str, section: str, key: str, bases: dict[str, dict[str, dict[str, float | str]]]) -> str | None:
    """The value that a comment asks for as TOML text; None where the line is no copy."""
    if found := SAME.match(meaning):
        return text_of(bases[found[1]][section][key])
    if found := CYCLES.match(meaning):
        number, unit = str(bases[found[1]][section][key]).split()
        return f'"{float(number) * BASE_CLOCK_GHZ[found[1]] / float(found[2]):.3g} {unit}"'
    if found := TWICE.match(meaning):
        return text_of(2 * float(bases[found[1]][section][key]))
    return None


def _equal(written: str, value: str) -> bool:
    """Whether two TOML values, numbers or quantities in the same unit, agree within `ROUNDING`."""
    (old, *old_unit), (new, *new_unit) = written.strip('"').split(), value.strip('"').split()
    return old_unit == new_unit and abs(float(old) - float(new)) <= ROUNDING * abs(float(new))


def carried(content: str, bases: dict[str, dict[str, dict[str, float | str]]]) -> str:
    """An architecture's file with its copies of the bases' constants repeated."""
    section, lines = "", []
    for line in content.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        found = LINE.match(line) if section in SECTIONS else None
        value = copied(found["meaning"], section, found["key"], bases) if found else None
        changed = found is not None and value is not None and not _equal(found["value"], value)
        lines.append(f"{found['key']} = {value}{found['rest']}" if found and changed else line)
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry the constants over; print the files that change, or write them with ``--in-place``."""
    command = "python -m hwsim.experiments.calibration.copies"
    parser = argparse.ArgumentParser(prog=command, description="Carry fitted constants over to other generations.")
    parser.add_argument("--in-place", action="store_true", help="write the architectures' files")
    given = parser.parse_args(arguments)
    bases = {name: tomllib.loads((folder() / f"{file}.toml").read_text("utf-8")) for name, file in BASES.items()}
    for path in sorted(folder().glob("*.toml")):
        before = path.read_text("utf-8")
        after = carried(before, bases)
        for old, new in zip(before.splitlines(), after.splitlines(), strict=True):
            if old != new:
                print(f"{path.stem}: {old.partition(' #')[0].strip()} -> {new.partition(' #')[0].strip()}")
        if given.in_place and after != before:
            path.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
