"""Which rate and which energy a number format has on a GPU; formats without hardware run in a wider one."""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.gpu.record import Gpu


@cost_function
def tensor_rate(gpu: Gpu, arithmetic: float) -> float:
    """FLOPs per cycle per SM for an arithmetic code of `hwsim.rows`; without hardware, that of the next wider format.

    fp4 falls back to fp8, fp8 and integers to fp16, tf32 and fp16 to fp32 on the vector units.
    """
    single = max(gpu.rate_fp32, gpu.vector_rate)
    half = gpu.rate_fp16 if gpu.rate_fp16 > 0.0 else single
    eight = gpu.rate_fp8 if gpu.rate_fp8 > 0.0 else half
    integer = gpu.rate_int8 if gpu.rate_int8 > 0.0 else half
    if arithmetic == 0.0:
        return single
    if arithmetic == 1.0:
        return gpu.rate_tf32 if gpu.rate_tf32 > 0.0 else single
    if arithmetic <= 3.0:
        return half
    if arithmetic <= 5.0 or arithmetic == 8.0:
        return eight
    if arithmetic == 6.0:
        return integer
    if arithmetic == 7.0:
        return gpu.rate_int4 if gpu.rate_int4 > 0.0 else integer
    return gpu.rate_fp4 if gpu.rate_fp4 > 0.0 else eight


@cost_function
def flop_energy_j(gpu: Gpu, arithmetic: float) -> float:
    """Joules per FLOP in a format: of the hardware that runs it, with the same fallbacks as `tensor_rate`."""
    if arithmetic == 0.0:
        return gpu.energy_fp32_j if gpu.rate_fp32 > 0.0 else gpu.energy_vector_j
    if arithmetic == 1.0:
        return gpu.energy_tf32_j if gpu.rate_tf32 > 0.0 else gpu.energy_vector_j
    half = gpu.energy_fp16_j if gpu.rate_fp16 > 0.0 else gpu.energy_vector_j
    if arithmetic <= 3.0:
        return half
    if arithmetic == 6.0 or arithmetic == 7.0:
        return gpu.energy_int8_j if gpu.rate_int8 > 0.0 else half
    eight = gpu.energy_fp8_j if gpu.rate_fp8 > 0.0 else half
    if arithmetic <= 5.0 or arithmetic == 8.0:
        return eight
    return gpu.energy_fp4_j if gpu.rate_fp4 > 0.0 else eight
