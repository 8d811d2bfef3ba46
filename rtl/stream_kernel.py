"""What a streaming kernel declares: parameters with their range, streams with their widths, golden words, cycles."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwsim.errors import InputError, unknown_name
from hwsim.models.catalog.kernel_fits import Resources
from hwsim.models.npu.stream_timing import Pattern, Timing
from hwsim.models.numerics.handshake import Stalls
from hwsim.rtl.record import Parameter
from hwsim.rtl.stream_packing import patterns_of

Parameters = Mapping[str, int]
Words = Mapping[str, Sequence[int]]
__all__ = ["Parameter", "Parameters", "StreamKernel", "Words", "size", "sizes"]


def _port(name: str, direction: str, width: int) -> dict[str, str | int]:
    return {"name": name, "direction": direction, "width": width}


@dataclass(frozen=True, kw_only=True)
class StreamKernel:
    """A kernel: call its methods with the Verilog parameters by name; what is left out takes its default.

    ``shape_fields`` are the names that its shapes may hold, the first the one that a shape needs.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    streams: Callable[[Parameters], Mapping[str, int]]
    golden_words: Callable[[Words, Parameters], list[int]]
    closed_form: Callable[[Mapping[str, object], Parameters], float]
    timing: Callable[[Mapping[str, object], Mapping[str, Pattern], Parameters], Timing]
    shape_fields: tuple[str, ...]
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
        values = {one.name: one.checked(given.get(one.name), f"kernel {self.name}") for one in self.parameters}
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
        streams = {name: bits for name, bits in self.streams(values).items() if name != "y"}
        if not isinstance(inputs, Mapping):
            raise InputError(f"kernel {self.name}: inputs must be words by stream: {', '.join(streams)}")
        for name in inputs:
            if name not in streams:
                raise unknown_name(f"input stream of kernel {self.name}", name, streams)
        missing = [name for name in streams if name not in inputs]
        if missing:
            raise InputError(f"kernel {self.name}: inputs must hold the stream '{missing[0]}'")
        words = {name: [self._word(word, name, bits) for word in inputs[name]] for name, bits in streams.items()}
        return {"y": self.golden_words(words, values)}

    def _word(self, word: Any, stream: str, bits: int) -> int:
        whole = _whole(word)
        if whole is None or not 0 <= whole < 1 << bits:
            raise InputError(f"kernel {self.name}: word {word!r} of '{stream}' must be a whole number of {bits} bits")
        return whole

    def cycles(self, shape: Mapping[str, object], stalls: Stalls | None = None, **given: int) -> int:
        """Cycles from the first accepted beat to the last result, both counted.

        ``shape`` is the kernel's own (its README lists the fields). ``stalls`` holds lists of 0 and 1 by stream: in a
        cycle with a 1 an input starts no offer (one made is held until it is taken) and the output takes nothing;
        past its end a list stalls nothing. Cycle 0 is the first with the reset low.
        """
        values = self.values(**given)
        if not isinstance(shape, Mapping):
            raise InputError(f"kernel {self.name}: shape(={shape!r}) must hold {self.shape_fields[0]} by name")
        for field in shape:
            if field not in self.shape_fields:
                raise unknown_name(f"field of a shape of kernel {self.name}", field, self.shape_fields)
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


def _whole(value: Any) -> int | None:
    """A whole number of Python or numpy as an int; None for anything else."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def size(shape: Mapping[str, object], field: str, least: int = 1) -> int:
    """A whole number out of a shape."""
    value = _whole(shape.get(field))
    if value is None or value < least:
        raise InputError(f"shape: {field}(={shape.get(field)!r}) must be a whole number >= {least}")
    return value


def sizes(shape: Mapping[str, object], field: str) -> list[int]:
    """A list of whole numbers above 0 out of a shape; a single one is a list of one."""
    value = shape.get(field)
    one = _whole(value)
    given = [one] if one is not None else list(value) if isinstance(value, Iterable) else []
    listed = [_whole(entry) for entry in given]
    found = [entry for entry in listed if entry is not None and entry >= 1]
    if not found or len(found) < len(listed):
        raise InputError(f"shape: {field}(={value!r}) must be a whole number >= 1 or a list of them")
    return found
