"""Verilog kernels that a design is made of: their resources by the fits of ``hwsim rtl characterise``."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.errors import HwsimError, InputError
from hwsim.models.catalog.kernel_fits import KINDS, kernel_counts
from hwsim.models.catalog.schema import Count, Table


class KernelUse(Table):
    """A kernel of rtl/ in a design: how many, at which parameters of its Verilog."""

    kernel: str
    count: Count = 1.0
    parameters: dict[str, int] = {}


def kernel_resources(uses: Mapping[str, KernelUse], where: str) -> tuple[dict[str, float], list[str]]:
    """DSPs, LUTs, flip-flops and block memories of all kernels, and the names of those whose fit is extrapolated.

    Raises
    ------
    InputError : a kernel that does not exist or is not fitted at its parameters, with the way to fit it
    """
    total = dict.fromkeys(KINDS, 0.0)
    extrapolated = []
    for name, use in uses.items():
        try:
            counts = kernel_counts(use.kernel, use.parameters)
        except HwsimError as error:
            raise InputError(f"{where}: kernels.{name}: {error}") from error
        for kind in KINDS:
            total[kind] += use.count * counts[kind]
        if counts["extrapolated"]:
            extrapolated.append(name)
    return total, extrapolated
