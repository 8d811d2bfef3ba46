"""Cuts and joins stream words of the kernels, and reads stall patterns; shared by the kernel.py files."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.models.npu.stream_timing import Pattern
from hwsim.models.numerics.handshake import Stalls, check_stalls
from hwsim.models.numerics.integers import mask, split, wrap


def patterns_of(stalls: Stalls | None, streams: Sequence[str]) -> dict[str, Pattern]:
    """Patterns out of lists of 0 and 1 by stream: 1 stalls it in that cycle; past its end a list stalls nothing."""
    return {stream: _unless(flags) for stream, flags in check_stalls(stalls, streams).items()}


def _unless(flags: Sequence[int]) -> Pattern:
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
