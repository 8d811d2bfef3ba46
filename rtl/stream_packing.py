"""Cuts and joins stream words of the kernels, and reads stall patterns; shared by the kernel.py files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hwsim.errors import InputError
from hwsim.models.npu.stream_timing import Pattern
from hwsim.models.numerics.integers import mask, split, wrap
from hwsim.rtl.streams import repeating

Stalls = Mapping[str, Sequence[int]]


def patterns_of(stalls: Stalls | None, streams: Sequence[str]) -> dict[str, Pattern]:
    """Patterns from repeating lists of 0 and 1 by stream: 1 offers (inputs) or takes (``y``) in that cycle."""
    patterns: dict[str, Pattern] = {}
    for stream, bits in (stalls or {}).items():
        if stream not in streams:
            raise InputError(f"stalls: stream '{stream}' does not exist; allowed: {', '.join(streams)}")
        if not any(bits):
            raise InputError(f"stalls: the pattern of '{stream}' must hold a 1, got {list(bits)[:8]}")
        patterns[stream] = repeating(bits)
    return patterns


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
