"""What a kernel is: its Verilog, parameters, streams, golden model, cycle model, stimulus and mutants."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwsim.errors import InputError, unknown_name
from hwsim.models.catalog.kernel_fits import Resources, term_value
from hwsim.models.numerics.handshake import Stalls
from hwsim.rtl.resource_fit import ResourceSweep

COMMON = Path(__file__).resolve().parent / "common"
Beats = dict[str, list[int]]


@dataclass(frozen=True)
class Parameter:
    """A parameter of the top module: its default, and what is allowed, as a range or a tuple of values."""

    name: str
    default: int
    allowed: range | tuple[int, ...]
    help: str

    @property
    def allowed_text(self) -> str:
        """What is allowed, to read: ``1..64`` or ``2, 4, 8``.

        >>> Parameter("ROWS", 4, range(1, 65), "rows").allowed_text
        '1..64'
        """
        if isinstance(self.allowed, range) and self.allowed.step == 1:
            return f"{self.allowed.start}..{self.allowed.stop - 1}"
        return ", ".join(map(str, self.allowed))

    def checked(self, value: Any, kernel: str) -> int:
        """The value, any whole number of Python or numpy, or the default for None; raises for what is not allowed."""
        if value is None:
            return self.default
        try:
            whole = operator.index(value)
        except TypeError:
            whole = None
        if isinstance(value, bool) or whole is None or whole not in self.allowed:
            raise InputError(f"{kernel}: {self.name}(={value!r}) must be one of {self.allowed_text}")
        return whole


@dataclass(frozen=True)
class Stream:
    """A stream of the top module: ports ``NAME_valid``, ``NAME_ready``, ``NAME_data`` with their suffixes.

    ``width`` is the data width in bits as an expression of the parameters, for example ``"8*ROWS + 1"``.
    """

    name: str
    direction: str
    width: str
    help: str


@dataclass(frozen=True)
class Mutant:
    """A fault put into the Verilog on purpose: the text ``old`` in ``file`` becomes ``new``; the bench must see it.

    ``parameters`` are those under which the fault shows; by default the first parameter set.
    """

    name: str
    file: str
    old: str
    new: str
    parameters: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Case:
    """One stimulus: the inputs of the golden model, the shape that the cycle model reads, the bins it covers."""

    name: str
    inputs: Mapping[str, Any]
    shape: Mapping[str, int]
    bins: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A Verilog kernel with all that verifies and characterises it.

    Fields
    ------
    name, description, system : top module, one line, and the published system that it serves
    folder : where the Verilog lies; ``sources`` are file names in it, ``common`` file names in rtl/common
    parameters, streams : of the top module
    golden_model : ``(inputs, **parameters) -> outputs``, dictionaries of numpy arrays, bit-exact
    cycle_model : ``(shape, stalls, **parameters) -> cycles``, exact (see `hwsim.models.numerics.handshake`)
    pack : ``(inputs, **parameters) -> {stream: beats}`` for the input streams
    pack_results : ``(inputs, outputs, **parameters) -> {stream: beats}`` for the output streams
    cases : ``(random, **parameters) -> [Case]``, directed corners first, then random ones (random: random.Random)
    parameter_sets : three or more sets that are verified; the first is the one mutants run on
    coverage_bins : what the cases must reach; a bin may be ``(name, condition on the parameters)``
    check : extra condition between parameters, raises `InputError`
    bench : importable name of the module with the cocotb tests
    schedule : ``(shape, stalls, **parameters) -> [cycle of every result]``, the first accepted beat in cycle 0; checked
        beside the cycles where given, for kernels of one output stream
    loads_after_reset : the bin of cases that hold two runs with no reset between them; given by a kernel that loads or
        clears memories after a reset, which therefore stands before each of its cases
    resource_sweeps : what `hwsim rtl characterise` synthesises, with the terms that the counts are fitted against
    """

    name: str
    description: str
    system: str
    folder: Path
    sources: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    streams: tuple[Stream, ...]
    golden_model: Callable[..., dict[str, Any]]
    cycle_model: Callable[..., int]
    pack: Callable[..., Beats]
    pack_results: Callable[..., Beats]
    cases: Callable[..., Sequence[Case]]
    parameter_sets: tuple[Mapping[str, int], ...]
    coverage_bins: tuple[str | tuple[str, Callable[[Mapping[str, int]], bool]], ...]
    mutants: tuple[Mutant, ...]
    common: tuple[str, ...] = ()
    check: Callable[..., None] | None = None
    bench: str = "hwsim.rtl.standard_bench"
    data_files: tuple[str, ...] = field(default=())
    schedule: Callable[..., Sequence[int]] | None = None
    loads_after_reset: str = ""
    resource_sweeps: tuple[ResourceSweep, ...] = ()

    @property
    def files(self) -> list[Path]:
        """Every Verilog source, the shared ones first."""
        return [*(COMMON / name for name in self.common), *(self.folder / name for name in self.sources)]

    @property
    def inputs(self) -> list[str]:
        """Names of the input streams."""
        return [stream.name for stream in self.streams if stream.direction == "input"]

    @property
    def outputs(self) -> list[str]:
        """Names of the output streams."""
        return [stream.name for stream in self.streams if stream.direction == "output"]

    @property
    def ports(self) -> list[dict[str, str]]:
        """Every port of the top module: name, direction, width as an expression of the parameters."""
        found = [{"name": name, "direction": "input", "width": "1"} for name in ("clk_i", "rst_i")]
        for stream in self.streams:
            forward, back = ("_i", "_o") if stream.direction == "input" else ("_o", "_i")
            opposite = "output" if stream.direction == "input" else "input"
            found += [
                {"name": f"{stream.name}_valid{forward}", "direction": stream.direction, "width": "1"},
                {"name": f"{stream.name}_ready{back}", "direction": opposite, "width": "1"},
                {"name": f"{stream.name}_data{forward}", "direction": stream.direction, "width": stream.width},
            ]
        return found

    def ports_at(self, **parameters: int) -> list[dict[str, Any]]:
        """Every port at these parameters: name, direction, width in bits."""
        values = {name: float(value) for name, value in self.values(parameters).items()}
        return [{**port, "width": round(term_value(port["width"], values))} for port in self.ports]

    def values(self, given: Mapping[str, int]) -> dict[str, int]:
        """Every parameter with its value: the given ones over the defaults; raises for what is not allowed."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                raise unknown_name(f"parameter of {self.name}", name, known)
        values = {name: parameter.checked(given.get(name), self.name) for name, parameter in known.items()}
        if self.check is not None:
            self.check(**values)
        return values

    def golden(self, inputs: Mapping[str, Any], **parameters: int) -> dict[str, Any]:
        """Outputs of the kernel for these inputs, bit for bit."""
        values = self.values(parameters)
        try:
            return self.golden_model(inputs, **values)
        except KeyError as error:
            raise InputError(f"{self.name}: inputs must hold {error}") from error

    def cycles(self, shape: Mapping[str, int], stalls: Stalls | None = None, **parameters: int) -> int:
        """Cycles from the first accepted beat to the last result, both included, under a stall pattern."""
        values = self.values(parameters)
        try:
            return self.cycle_model(shape, stalls, **values)
        except KeyError as error:
            raise InputError(f"{self.name}: shape must hold {error}") from error

    def resources(self, **parameters: int) -> Resources:
        """Multipliers, adders, comparators, register and memory bits of the Verilog, by Yosys at word level.

        With a fit of these parameters in the kernel's resources.toml, also ``lut``, ``ff``, ``dsp`` and ``bram`` of a
        Xilinx UltraScale+ device and generic ``cells`` and ``gates``, predicted; these alone where Yosys is not
        installed. ``extrapolated`` is then the number of parameters outside the range that was swept.
        """
        from hwsim.rtl.structure import known_resources

        return known_resources(self.name, self.folder, self.files, self.values(parameters))

    def bins(self, parameters: Mapping[str, int]) -> list[str]:
        """The coverage bins that can be reached under these parameters."""
        return [
            bin if isinstance(bin, str) else bin[0]
            for bin in self.coverage_bins
            if isinstance(bin, str) or bin[1](parameters)
        ]
