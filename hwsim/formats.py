"""Number formats and their stored bits: group scales and zero points are counted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from hwsim.errors import InputError, did_you_mean

# name: (stored bits a value, bits of the arithmetic it runs in, code of the execution rate in device records)
_BASE_BITS: dict[str, float] = {
    "fp32": 32.0, "tf32": 32.0, "bf16": 16.0, "fp16": 16.0, "fp8_e4m3": 8.0, "fp8_e5m2": 8.0,
    "int8": 8.0, "int4": 4.0, "int3": 3.0, "int2": 2.0, "ternary": 2.0,
    "shift2": 2.0, "shift3": 3.0, "shift4": 4.0,
    # OCP Microscaling v1.0: 32 values share an 8-bit scale; NVFP4: 16 values share an fp8 scale.
    "mxfp8": 8.0 + 8.0 / 32.0, "mxfp4": 4.0 + 8.0 / 32.0, "nvfp4": 4.0 + 8.0 / 16.0,
}  # fmt: skip

FORMAT_NAMES: tuple[str, ...] = tuple(_BASE_BITS)

#: Formats that are stored but never multiplied as such: weights are widened to the activations' format first.
STORAGE_ONLY = frozenset({"int3", "int2", "ternary", "shift2", "shift3", "shift4"})

_GROUPABLE = frozenset({"int8", "int4", "int3", "int2"})
GROUP_SCALE_BITS = 16.0  # an fp16 scale a group


@dataclass(frozen=True, kw_only=True)
class NumberFormat:
    """A number format as it is stored.

    Attributes
    ----------
    name : the full text, such as ``int4:g128:zp``
    base : the format without its group, such as ``int4``
    bits : stored bits a value, group scale and zero point included
    group : values that share a scale, or None
    """

    name: str
    base: str
    bits: float
    group: int | None = None

    @property
    def bytes(self) -> float:
        """Stored bytes a value."""
        return self.bits / 8.0


@lru_cache(maxsize=256)
def number_format(text: str) -> NumberFormat:
    """Read a format such as ``bf16``, ``int4:g128``, ``int4:g32:zp`` or ``ternary:1.67``.

    Raises
    ------
    InputError : the name is unknown, the group is not a positive whole number, or the format takes no group

    >>> number_format("int4:g128").bits
    4.125
    >>> number_format("mxfp4").bits, number_format("nvfp4").bits
    (4.25, 4.5)
    """
    base, *options = str(text).strip().lower().split(":")
    if base not in _BASE_BITS:
        raise InputError(
            f"number format '{text}' does not exist{did_you_mean(base, FORMAT_NAMES)}; "
            f"allowed: {', '.join(FORMAT_NAMES)}, with a group as in int4:g128"
        )
    bits, group, zero_point = _BASE_BITS[base], None, False
    for option in options:
        if base == "ternary" and option.replace(".", "", 1).isdigit():
            bits = float(option)
            if not 1.58 <= bits <= 2.0:
                raise InputError(f"number format '{text}': ternary packs at 1.58 to 2 bits, got {option}")
        elif option == "zp" and base in _GROUPABLE:
            zero_point = True
        elif option[:1] == "g" and option[1:].isdigit() and int(option[1:]) > 0 and base in _GROUPABLE:
            group = int(option[1:])
        else:
            raise InputError(f"number format '{text}': option '{option}' is not allowed on {base}")
    if zero_point and group is None:
        raise InputError(f"number format '{text}': a zero point needs a group, as in {base}:g128:zp")
    if group is not None:
        bits += GROUP_SCALE_BITS / group + (_BASE_BITS[base] / group if zero_point else 0.0)
    return NumberFormat(name=":".join([base, *options]), base=base, bits=bits, group=group)
