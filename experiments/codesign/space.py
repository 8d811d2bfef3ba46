"""The design space: number formats, array shapes, and what the characterised fits say they take of a budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from hwsim.errors import DoesNotFitError, InputError, UnsupportedError, unknown_name
from hwsim.models.fpga.parts import Part
from hwsim.rtl import kernel
from hwsim.rtl.resource_fit import FILE_NAME, ResourceFit, read_fits

KERNEL = "systolic_array"
KINDS = ("lut", "ff", "dsp", "cells")  # what a budget may bound; cells: generic gates and flip-flops of one bit
LARGEST = 64  # rows and columns of one array, as the kernel allows


@dataclass(frozen=True)
class Format:
    """A number format of weights, activations and KV alike, and the kernel's parameters that multiply it."""

    name: str
    operand_bits: int
    accumulator_bits: int

    @property
    def parameters(self) -> dict[str, int]:
        """The kernel's width parameters."""
        return {"OPERAND_BITS": self.operand_bits, "ACCUMULATOR_BITS": self.accumulator_bits}


#: The accumulators hold the longest dot product of a catalog network: 2^(2 bits - 2) x 53,248 terms and a sign.
FORMATS = {one.name: one for one in (Format("int8", 8, 32), Format("int4", 4, 24))}
DATAFLOWS = ("output_stationary", "weight_stationary")


@dataclass(frozen=True, order=True)
class Candidate:
    """``count`` arrays of ``rows`` x ``columns`` multiply-accumulates."""

    format: str
    dataflow: str
    rows: int
    columns: int
    count: int

    @property
    def parameters(self) -> dict[str, int]:
        """The kernel's parameters for one of the arrays."""
        widths = FORMATS[self.format].parameters
        return {"ROWS": self.rows, "COLUMNS": self.columns, "DATAFLOW": DATAFLOWS.index(self.dataflow), **widths}

    @property
    def text(self) -> str:
        """The candidate in words, such as ``3 arrays of 4 x 48, int8, output_stationary``."""
        arrays = "1 array" if self.count == 1 else f"{self.count} arrays"
        return f"{arrays} of {self.rows} x {self.columns}, {self.format}, {self.dataflow}"

    @property
    def label(self) -> str:
        """The candidate in short, such as ``3 x (4 x 48) int8``."""
        flow = "" if self.dataflow == DATAFLOWS[0] else f" {self.dataflow.replace('_', '-')}"
        return f"{self.count} x ({self.rows} x {self.columns}) {self.format}{flow}"

    @property
    def resources(self) -> dict[str, float]:
        """Predicted resources of all arrays by kind: the characterised fit of one, times their count.

        Raises
        ------
        UnsupportedError : the kernel is not characterised at these widths
        """
        return {kind: self.count * value for kind, value in array_resources(self.parameters_key).items()}

    @property
    def parameters_key(self) -> tuple[tuple[str, int], ...]:
        """The parameters as a hashable key."""
        return tuple(self.parameters.items())


@cache
def _fits() -> tuple[ResourceFit, ...]:
    return tuple(read_fits(kernel(KERNEL).folder / FILE_NAME))


@cache
def array_resources(parameters: tuple[tuple[str, int], ...]) -> dict[str, float]:
    """Predicted resources of one array, by the kernel's resources.toml, without a synthesis."""
    values = kernel(KERNEL).values(dict(parameters))
    for fit in _fits():
        counts = fit.predict(values)
        if counts is not None:
            return {kind: counts[kind] for kind in KINDS}
    held = ", ".join(f"{name}={value}" for name, value in values.items())
    raise UnsupportedError(f"{KERNEL}: no characterised resources at {held}; run hwsim rtl characterise {KERNEL}")


def read_budget(text: str, part: Part, share: float) -> dict[str, float]:
    """The budget by kind: the given share of the part, and over it what the text names (``lut=20000,dsp=64``).

    Raises
    ------
    InputError, UnknownNameError : a share outside 0 to 1, an unknown kind, a value that is no positive number
    """
    if not 0.0 < share <= 1.0:
        raise InputError(f"share(={share}) must be above 0 and at most 1")
    budget = {kind: share * part.resources[kind] for kind in KINDS if kind in part.resources}
    for entry in filter(None, (one.strip() for one in text.split(","))):
        kind, _, value = entry.partition("=")
        if kind.strip() not in KINDS:
            raise unknown_name("resource of a budget", kind.strip(), KINDS)
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0.0 < number < float("inf"):
            raise InputError(f"budget: {kind.strip()}(={value.strip()!r}) must be a number > 0")
        budget[kind.strip()] = number
    return budget


def area_share(resources: Mapping[str, float], budget: Mapping[str, float]) -> float:
    """Share of the budget taken: that of the resource that runs out first.

    >>> area_share({"lut": 50.0, "dsp": 2.0}, {"lut": 100.0, "dsp": 8.0})
    0.5
    """
    return max(resources.get(kind, 0.0) / limit for kind, limit in budget.items())


def candidates(name: str, dataflow: str, batch: int, channels: int, budget: Mapping[str, float]) -> Iterator[Candidate]:
    """Every design of a format and a dataflow within the budget.

    Rows past the batch would stay empty in a decode step (output-stationary) or wait for their weights, which enter a
    row a cycle (weight-stationary): they are not tried. Each array streams its weights from a memory channel of its
    own, so there are no more arrays than channels.

    Raises
    ------
    DoesNotFitError : not even the smallest array fits
    UnsupportedError : the kernel is not characterised at these widths
    """
    smallest = Candidate(name, dataflow, 1, 1, 1)
    if area_share(smallest.resources, budget) > 1.0:
        raise _too_small(smallest, budget)
    for rows in range(1, min(batch, LARGEST) + 1):
        for columns in range(1, LARGEST + 1):
            for count in range(1, channels + 1):
                one = Candidate(name, dataflow, rows, columns, count)
                if area_share(one.resources, budget) > 1.0:
                    break
                yield one


def _too_small(smallest: Candidate, budget: Mapping[str, float]) -> DoesNotFitError:
    needs = ", ".join(f"{kind} {value:,.0f}" for kind, value in smallest.resources.items() if value)
    given = ", ".join(f"{kind} {value:,.0f}" for kind, value in budget.items())
    return DoesNotFitError(f"budget {given} holds no array: the smallest ({smallest.text}) needs {needs}")
