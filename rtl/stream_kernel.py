"""What a streaming kernel declares: parameters with their range, streams with their widths, golden words, cycles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hwsim.errors import InputError, unknown_name
from hwsim.models.catalog.kernel_fits import Resources
from hwsim.models.npu.stream_timing import Pattern, Timing
from hwsim.rtl.stream_packing import Stalls, patterns_of

Parameters = Mapping[str, int]
Words = Mapping[str, Sequence[int]]


class Parameter(NamedTuple):
    """One parameter of the Verilog module: default and the values allowed, a range or a choice."""

    name: str
    default: int
    allowed: Sequence[int]
    meaning: str

    @property
    def allowed_text(self) -> str:
        """The allowed values as a reader writes them.

        >>> Parameter("LANES", 16, range(1, 257), "").allowed_text
        '1 to 256'
        """
        if isinstance(self.allowed, range) and self.allowed.step == 1:
            return f"{self.allowed[0]} to {self.allowed[-1]}"
        return ", ".join(str(value) for value in self.allowed)


def _port(name: str, direction: str, width: int) -> dict[str, str | int]:
    return {"name": name, "direction": direction, "width": width}


@dataclass(frozen=True, kw_only=True)
class StreamKernel:
    """A kernel: call its methods with the Verilog parameters by name; what is left out takes its default."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    streams: Callable[[Parameters], Mapping[str, int]]
    golden_words: Callable[[Words, Parameters], list[int]]
    closed_form: Callable[[Mapping[str, object], Parameters], float]
    timing: Callable[[Mapping[str, object], Mapping[str, Pattern], Parameters], Timing]
    check: Callable[[Parameters], str] = lambda _: ""

    def values(self, **given: int) -> dict[str, int]:
        """All parameters, the given ones checked.

        Raises
        ------
        UnknownNameError, InputError : no such parameter; a value that is not allowed
        """
        names = [parameter.name for parameter in self.parameters]
        for name in given:
            if name not in names:
                raise unknown_name(f"parameter of kernel {self.name}", name, names)
        values = {}
        for parameter in self.parameters:
            value = given.get(parameter.name, parameter.default)
            if isinstance(value, bool) or not isinstance(value, int) or value not in parameter.allowed:
                what = f"kernel {self.name}: {parameter.name}(={value!r})"
                raise InputError(f"{what} must be {parameter.allowed_text}")
            values[parameter.name] = value
        problem = self.check(values)
        if problem:
            raise InputError(f"kernel {self.name}: {problem}")
        return values

    @property
    def ports(self) -> list[dict[str, str | int]]:
        """Every port of the module at the default parameters: name, direction and width; see `ports_at`."""
        return self.ports_at()

    def ports_at(self, **given: int) -> list[dict[str, str | int]]:
        """Every port of the module at these parameters: name, direction and width in bits."""
        found: list[dict[str, str | int]] = [_port("clk_i", "input", 1), _port("rst_i", "input", 1)]
        for stream, bits in self.streams(self.values(**given)).items():
            ahead, back, way, opposite = ("_o", "_i", "output", "input")
            if stream != "y":
                ahead, back, way, opposite = back, ahead, opposite, way
            found.append(_port(f"{stream}_valid{ahead}", way, 1))
            found.append(_port(f"{stream}_ready{back}", opposite, 1))
            found.append(_port(f"{stream}_data{ahead}", way, bits))
        return found

    def golden(self, inputs: Words, **given: int) -> dict[str, list[int]]:
        """Words of the output stream after these input words, bit for bit, packed as the README says."""
        values = self.values(**given)
        streams = self.streams(values)
        for name, words in inputs.items():
            if name not in streams or name == "y":
                raise unknown_name(f"input stream of kernel {self.name}", name, [s for s in streams if s != "y"])
            for word in words:
                if not 0 <= int(word) < 1 << streams[name]:
                    raise InputError(f"kernel {self.name}: word {word:#x} of '{name}' must fit {streams[name]} bits")
        missing = [name for name in streams if name != "y" and name not in inputs]
        if missing:
            raise InputError(f"kernel {self.name}: inputs must hold the stream '{missing[0]}'")
        return {"y": self.golden_words({name: [int(w) for w in words] for name, words in inputs.items()}, values)}

    def cycles(self, shape: Mapping[str, object], stalls: Stalls | None = None, **given: int) -> int:
        """Cycles from the first accepted beat to the last result, both counted.

        ``shape`` is the kernel's own (its README lists the fields). ``stalls`` holds lists of 0 and 1 by stream: in a
        cycle with a 1 an input starts no offer (one made is held until it is taken) and the output takes nothing;
        past its end a list stalls nothing. Cycle 0 is the first with the reset low.
        """
        values = self.values(**given)
        if stalls is None:
            return round(self.closed_form(shape, values))
        return self.timing(shape, patterns_of(stalls, list(self.streams(values))), values).cycles

    def resources(self, **given: int) -> Resources:
        """Multipliers, adders, comparators, register and memory bits by Yosys; the rest by fit (see `known_resources`).

        With a fit in resources.toml: ``lut``, ``ff``, ``dsp``, ``bram``, generic ``cells`` and ``gates``, predicted,
        and ``extrapolated``, the number of parameters outside the range that was swept.
        """
        from hwsim.rtl.streams import FOLDER, sources
        from hwsim.rtl.structure import known_resources

        return known_resources(self.name, FOLDER / self.name, sources(self.name), self.values(**given))


def size(shape: Mapping[str, object], field: str, least: int = 1) -> int:
    """A whole number out of a shape."""
    value = shape.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"shape: {field}(={value!r}) must be a whole number >= {least}")
    return value


def sizes(shape: Mapping[str, object], field: str) -> list[int]:
    """A list of whole numbers above 0 out of a shape; a single one is a list of one."""
    value = shape.get(field)
    listed = [value] if isinstance(value, int) else list(value) if isinstance(value, (list, tuple)) else []
    if not listed or any(isinstance(v, bool) or not isinstance(v, int) or v < 1 for v in listed):
        raise InputError(f"shape: {field}(={value!r}) must be a whole number >= 1 or a list of them")
    return listed
