"""Write the residuals behind the 10-90 % intervals of GPU estimates.

    python -m hwsim.experiments.calibration.residuals                # prints the table
    python -m hwsim.experiments.calibration.residuals --in-place     # writes it in a checkout

``calibrated``: measured over predicted on the held-out rows of A100 and H100. ``zero-shot``: the same rows predicted
with the other generation's constants, and the other NVLink's, under the device's and the link's own specification,
which is what a zero-shot device is. No other device is read.

All tables of an operator count, those that no constant was fitted to beside those that were: experts of one rank of
many, experts without a gate, latent attention. Each table weighs the same: which shapes a benchmark swept more finely
says nothing of what a user will ask.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import hwsim
from hwsim.experiments.calibration.kernels import calibrated
from hwsim.experiments.command import exit_status
from hwsim.hardware import Device, System
from hwsim.intervals import EDGES_S, size_class, width
from hwsim.models.catalog import files, read_device, read_link
from hwsim.validation.targets import Floats, Targets, load, operators

SWAPPED = {"a100-sxm-80gb": ("ampere", "hopper"), "h100-sxm-80gb": ("hopper", "ampere")}
LINKS = {"a100-sxm-80gb": ("nvlink-3", "nvlink-4"), "h100-sxm-80gb": ("nvlink-4", "nvlink-3")}
RANKS = 8  # the most that the tables measured
FEWEST = 40  # points of a class; with fewer it takes the quantiles of all classes
COMMAND = "python -m hwsim.experiments.calibration.residuals"


class Ratios(NamedTuple):
    """Points of one table: measured and predicted seconds."""

    key: str
    measured_s: Floats
    predicted_s: Floats


def swapped(device: str) -> Device:
    """A calibrated device with the constants of the other generation."""
    own, other = SWAPPED[device]
    text = files.find("devices", device).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{device}.toml"
        path.write_text(text.replace(f'architecture = "{own}"', f'architecture = "{other}"'), encoding="utf-8")
        return read_device(path)


def swapped_link(device: str) -> System:
    """Calibrated devices on their own link's bandwidth with the constants of the other generation's link."""
    own, other = (files.find("links", name).read_text(encoding="utf-8") for name in LINKS[device])
    line = re.compile(r"^bandwidth = .*$", re.MULTILINE)
    stated = line.search(own)
    assert stated is not None  # a link's file always states it
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "link.toml"
        path.write_text(line.sub(stated[0], other, count=1), encoding="utf-8")
        system = hwsim.system(f"{RANKS}x {device}")
        assert isinstance(system, System)
        return replace(system, link=read_link(str(path)))


def ratios(targets: Targets, device: Device | System | str) -> Ratios:
    """Predict the held-out points of a table."""
    chosen = targets.where(targets.held_out)
    found = hwsim.estimate(device, chosen.operator, **chosen.arguments)
    key = f"{chosen.operator}.{width(chosen.arguments)}"
    return Ratios(key, chosen.latency_s, np.asarray(found.latency_s, dtype=np.float64))


def counted(targets: Targets) -> bool:
    """Whether a table has held-out points and spreads its tokens evenly over experts, as a run does unless told."""
    return bool(targets.held_out.any()) and targets.arguments.get("routing", "balanced") == "balanced"


def collect(zero_shot: bool) -> Iterator[Ratios]:
    """All tables of the calibrated devices."""
    for device in SWAPPED:
        calibrated(device)
        other, link = swapped(device), swapped_link(device)
        for operator in operators():
            for targets in filter(counted, load(operator, device)):
                if not zero_shot:
                    yield ratios(targets, device)
                else:
                    yield ratios(targets, link if operator == "collective" else other)


def quantiles(ratio: Floats, weight: Floats) -> tuple[float, float]:
    """10 and 90 % quantiles of weighted ratios, around 1."""
    order = np.argsort(ratio)
    reached = np.cumsum(weight[order])
    low, high = ratio[order][np.searchsorted(reached, np.array([0.1, 0.9]) * reached[-1])].tolist()
    return round(min(low, 1.0), 3), round(max(high, 1.0), 3)


def table(found: Sequence[Ratios], key: str) -> dict[str, Any]:
    """Quantiles of one operator by size class, every table of the same weight, and the range measured."""
    tables = [each for each in found if each.key == key]
    measured = np.concatenate([each.measured_s for each in tables])
    predicted = np.concatenate([each.predicted_s for each in tables])
    weight = np.concatenate([np.full(len(each.measured_s), 1.0 / len(each.measured_s)) for each in tables])
    classes, ratio = size_class(predicted), measured / predicted
    everywhere = np.ones(len(ratio), dtype=np.bool_)
    chosen = [classes == index for index in range(len(EDGES_S) + 1)]
    bounds = [
        quantiles(ratio[part], weight[part])
        for part in (each if np.sum(each) >= FEWEST else everywhere for each in chosen)
    ]
    return {
        "low": [low for low, _ in bounds], "high": [high for _, high in bounds], "points": len(ratio),
        "tables": len(tables),
        "shortest_s": float(f"{measured.min():.3g}"), "longest_s": float(f"{measured.max():.3g}"),
    }  # fmt: skip


def text() -> str:
    """The whole file."""
    edges = ", ".join(f"{edge:g}" for edge in EDGES_S)
    lines = [
        "# Measured over predicted latency, 10 and 90 % quantiles by size class (predicted seconds up to",
        f"# {edges}, and above), on held-out rows of all tables of A100 and H100, each table of the",
        "# same weight; zero-shot: with the other's constants.",
        f"# fitted: {COMMAND} (aiconfigurator-core)",
    ]
    own: dict[str, dict[str, Any]] = {}
    for status in ("calibrated", "zero-shot"):
        found = list(collect(status == "zero-shot"))
        for key in sorted({each.key for each in found}):
            values = table(found, key)
            if key in own:  # a zero-shot device is never surer than a calibrated one
                values["low"] = [min(pair) for pair in zip(values["low"], own[key]["low"], strict=True)]
                values["high"] = [max(pair) for pair in zip(values["high"], own[key]["high"], strict=True)]
            own.setdefault(key, values)
            lines += ["", f"[{status}.{key}]"]
            lines += [f"{name} = {value}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the residuals; write them with ``--in-place``."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Residuals behind the intervals of GPU estimates.")
    parser.add_argument("--in-place", action="store_true", help="write the catalog's file")
    given = parser.parse_args(arguments)
    content = text()
    if given.in_place:
        path = Path(files.__file__).parent / "residuals" / "gpu.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    print(content, end="")


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
