"""Cuts and joins stream words of the kernels, and reads stall patterns; shared by the kernel.py files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hwsim.errors import InputError, did_you_mean
from hwsim.models.npu.stream_timing import Pattern
from hwsim.models.numerics.integers import mask, split, wrap

Stalls = Mapping[str, Sequence[int]]


def patterns_of(stalls: Stalls | None, streams: Sequence[str]) -> dict[str, Pattern]:
    """Patterns out of lists of 0 and 1 by stream: 1 stalls it in that cycle; past its end a list stalls nothing."""
    patterns: dict[str, Pattern] = {}
    for stream, flags in (stalls or {}).items():
        if stream not in streams:
            known = ", ".join(streams)
            raise InputError(f"stalls: no stream '{stream}'{did_you_mean(stream, streams)}; streams: {known}")
        patterns[stream] = _unless(list(flags))
    return patterns


def _unless(flags: list[int]) -> Pattern:
    return lambda cycle: cycle >= len(flags) or not flags[cycle]


def signed_fields(word: int, bits: int, count: int) -> list[int]:
    """Cut a word into ``count`` signed fields of ``bits`` bits, low bits first."""
    return [wrap(field, bits) for field in split(word, bits, count)]


class Reader:
    """Reads fields off a word, low bits first."""

    def __init__(self, word: int) -> None:
        self._word = word

    def unsigned(self, bits: int) -> int:
        """The next field."""
        value = mask(self._word, bits)
        self._word >>= bits
        return value

    def signed_list(self, bits: int, count: int) -> list[int]:
        """The next ``count`` signed fields."""
        return signed_fields(self.unsigned(bits * count), bits, count)

    def unsigned_list(self, bits: int, count: int) -> list[int]:
        """The next ``count`` unsigned fields."""
        return split(self.unsigned(bits * count), bits, count)
