"""Fit a user's own GPU to the user's own measurements: the documented constants, cross-validated."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import InputError, MissingExtraError, did_you_mean, unknown_name
from hwsim.estimation import KINDS
from hwsim.experiments.calibration import attention, matmul
from hwsim.experiments.calibration.kernels import LATENCY, Constant
from hwsim.hardware import Device
from hwsim.models.gpu.record import RECORD_PATHS
from hwsim.rows import OperatorCost, lower
from hwsim.validation.targets import Floats

CONSTANTS: Mapping[str, Mapping[str, Constant]] = {
    "matmul": matmul.STAGES["matmul bf16"],
    "attention": attention.CONSTANTS,
}
POINTS_A_CONSTANT = 4  # fewer points than this for each constant cannot hold it
FOLDS = 5
UNIT_MISTAKE = 100.0  # no device is so many times faster or slower than the one it is described from
RESTARTS, MOST_TRIALS = 2, 400  # of a search; the device's own constants are a good start


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Fitted constants by TOML path as TOML text, and mean absolute errors as fractions.

    ``after`` is cross-validated: each fifth of the points is predicted with constants fitted to the others.
    """

    constants: dict[str, str]
    points: int
    before: float
    after: float
    on_fitted: float


def read_measured(path: Path, operator: str) -> tuple[Floats, Floats]:
    """Operator rows (points, fields) and seconds of a CSV file with `hwsim.estimate`'s arguments and ``latency_s``.

    Raises
    ------
    InputError : a file that cannot be read, an unknown column, a value that is impossible
    """
    if operator not in CONSTANTS:
        raise unknown_name("operator to calibrate", operator, CONSTANTS)
    builder, numeric, allowed = KINDS[operator]
    columns, lines = _table(path)
    if "latency_s" not in columns:
        raise InputError(
            f"{path}: needs a column latency_s and the arguments of {operator}: {', '.join(sorted(allowed))}"
        )
    for name in columns:
        if name != "latency_s" and name not in allowed:
            raise InputError(f"{path}: column '{name}' does not exist{did_you_mean(name, allowed)}; allowed: "
                             f"latency_s, {', '.join(sorted(allowed))}")  # fmt: skip
    if not lines:
        raise InputError(f"{path}: has a header and no rows")
    rows, seconds = [], []
    for number, line in lines:
        seconds.append(_number(line["latency_s"], "latency_s", path, number))
        arguments: dict[str, Any] = {
            name: _number(line[name], name, path, number) if name in numeric else line[name]
            for name in columns if name != "latency_s" and line[name] not in ("", None)
        }  # fmt: skip
        try:
            rows.append(lower(builder(**arguments)))
        except InputError as error:
            raise InputError(f"{path} line {number}: {str(error).rpartition(':')[2].strip()}") from None
        except TypeError as error:
            raise InputError(f"{path} line {number}: missing {str(error).rpartition(':')[2].strip()}") from None
    return np.array(rows, dtype=np.float64), np.array(seconds)


def _table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Columns of a CSV file, and its rows with their line numbers."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            columns = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, line) for line in reader if line]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: is not a CSV file in UTF-8") from None
    if len(set(columns)) < len(columns):
        raise InputError(f"{path}: a column stands twice in '{','.join(columns)}'")
    for number, line in lines:
        if len(line) != len(columns):
            raise InputError(f"{path} line {number}: has {len(line)} values for {len(columns)} columns")
    return columns, [(number, dict(zip(columns, line, strict=True))) for number, line in lines]


def _number(text: str | None, name: str, path: Path, line: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise InputError(f"{path} line {line}: {name} '{text}' is not a number") from None
    if not 0.0 < value < float("inf") and name != "window":
        raise InputError(f"{path} line {line}: {name} {text} must be above 0")
    return value


def fit_own(device: Device, operator: str, rows: Floats, seconds: Floats) -> Fit:
    """Fit the operator's constants, starting from the device's own.

    Raises
    ------
    InputError : not a GPU, or too few points
    MissingExtraError : scipy is not installed
    """
    if device.family != "gpu":
        raise InputError(
            f"calibrate: '{device.name}' is of family {device.family}; documented constants are fitted on gpu"
        )
    constants = CONSTANTS[operator]
    needed = POINTS_A_CONSTANT * len(constants)
    _, shape = np.unique(rows, axis=0, return_inverse=True)  # a shape measured several times is one point
    distinct = int(shape.max()) + 1
    if distinct < needed:
        raise InputError(
            f"calibrate: too few points: {distinct} of different shape for {len(constants)} constants; "
            f"{needed} are needed"
        )
    everything = np.ones(len(seconds), dtype=np.bool_)
    fold = (np.random.default_rng(0).permutation(distinct) % FOLDS)[shape.ravel()]
    own = _own(device, constants)
    _check_unit(device, constants, own, rows, seconds)
    held = [_error(device, constants, _search(device, constants, rows, seconds, fold != f), rows, seconds, fold == f)
            for f in range(FOLDS)]  # fmt: skip
    best = _search(device, constants, rows, seconds, everything)
    texts = [matmul.plain(constant.written(value)) for constant, value in zip(constants.values(), best, strict=True)]
    return Fit(
        constants=dict(zip(constants, texts, strict=True)),
        points=len(seconds), before=_error(device, constants, own, rows, seconds, everything),
        after=float(np.average(held, weights=[np.sum(fold == f) for f in range(FOLDS)])),
        on_fitted=_error(device, constants, best, rows, seconds, everything),
    )  # fmt: skip


def _check_unit(device: Device, constants: Mapping[str, Constant], own: Floats, rows: Floats, seconds: Floats) -> None:
    """Refuse latencies that are all a thousandth or a thousand times what the device could take: no seconds."""
    ratio = float(np.median(seconds / _predicted(device, constants, own, rows)))
    if not 1.0 / UNIT_MISTAKE < ratio < UNIT_MISTAKE:
        raise InputError(
            f"calibrate: measured latencies are {ratio:.2g} times the predicted ones (median); latency_s is in seconds"
        )


def _own(device: Device, constants: Mapping[str, Constant]) -> Floats:
    values = [getattr(device.record, RECORD_PATHS[path]) for path in constants]
    low, high = [c.low for c in constants.values()], [c.high for c in constants.values()]
    return np.clip(np.array(values, dtype=np.float64), low, high)


def _error(
    device: Device, constants: Mapping[str, Constant], values: Floats, rows: Floats, seconds: Floats,
    chosen: NDArray[np.bool_],
) -> float:  # fmt: skip
    found = _predicted(device, constants, values, rows[chosen])
    return float(np.mean(np.abs(found - seconds[chosen]) / seconds[chosen]))


def _predicted(device: Device, constants: Mapping[str, Constant], values: Floats, rows: Floats) -> Floats:
    """Seconds of every row with these values of the constants."""
    from hwsim.explore.kernel import row_kernel

    fields = list(type(device.record)._fields)
    record = np.array(device.record, dtype=np.float64)
    record[[fields.index(RECORD_PATHS[path]) for path in constants]] = values
    found = np.empty((len(rows), len(OperatorCost._fields)))
    row_kernel(device)(record, rows, found)
    return found[:, LATENCY]


def _search(
    device: Device, constants: Mapping[str, Constant], rows: Floats, seconds: Floats, chosen: NDArray[np.bool_]
) -> Floats:
    try:
        from scipy.optimize import minimize  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise MissingExtraError("scipy is not installed; pip install 'hwsim[validation]'") from None
    low = np.array([constant.low for constant in constants.values()])
    high = np.array([constant.high for constant in constants.values()])
    start = np.maximum(_own(device, constants), 1e-3 * high)

    def error(logarithms: Floats) -> float:
        free = start * np.exp(logarithms)
        values = np.clip(free, low, high)
        outside = float(np.sum(np.abs(np.log(free / np.maximum(values, 1e-30)))))
        return _error(device, constants, values, rows, seconds, chosen) + 0.01 * outside

    found: Floats = np.clip(
        start * np.exp(matmul.search(minimize, error, len(start), RESTARTS, MOST_TRIALS)), low, high
    )
    return found
