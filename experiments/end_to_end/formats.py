"""Which number format each part of a served network is kept in, by the precision of its checkpoint.

Public checkpoints narrow the products inside the layers and leave the head in bf16 (``lm_head`` is listed under
``modules_to_not_convert``, ``ignore`` or ``exclude_modules`` of all of them); between products the residual stream,
norms and collectives run in bf16. Checkpoints of 4 bits of some mixtures narrow the experts only: gpt-oss
(arXiv:2508.10925, section 2.1), Kimi K2 (ignores ``self_attn`` and ``shared_experts``), MiniMax, DeepSeek and GLM
by NVIDIA (``exclude_modules`` names the attention).
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, NamedTuple

from hwsim.errors import InputError
from hwsim.formats import number_format
from hwsim.mappers.techniques.rewritten import RewrittenNetwork
from hwsim.operators import Attention, Matmul, MixtureOfExperts, Operator

WIDE = "bf16"
EXPERTS_ONLY = ("gpt-oss", "Kimi", "MiniMax", "DeepSeek", "GLM")  # in a network's name: its 4-bit checkpoint
#: in a network's name: its fp8 checkpoint has a scale a block (``weight_block_size`` 128 x 128 in its configuration)
BLOCK_SCALED = ("DeepSeek", "MiniMax", "GLM", "Qwen3-235B", "Qwen3.5")


class Formats(NamedTuple):
    """Formats of the narrowed products (weights, activations) and of the KV cache.

    ``experts_only`` where all else is wide, ``scaling`` of the products that have one.
    """

    weights: str
    activations: str
    kv: str
    experts_only: bool = False
    scaling: Literal["tensor", "block"] = "tensor"


#: precision of the sample: formats. (assumption) the KV cache is fp8 where weights are narrow: no row states it
PRECISIONS = {
    "": Formats(WIDE, WIDE, WIDE),
    "bf16": Formats(WIDE, WIDE, WIDE),
    "fp8": Formats("fp8_e4m3", "fp8_e4m3", "fp8_e4m3"),
    "fp4": Formats("nvfp4", "nvfp4", "fp8_e4m3"),
    "int4": Formats("int4:g32", WIDE, WIDE, experts_only=True),  # Kimi K2.5: groups of 32, kv_cache_scheme none
}


def formats_of(model: str, precision: str, system: str) -> Formats:
    """Formats of a network served at a precision on a system.

    gpt-oss is only published in MXFP4 with bf16 activations; Blackwell multiplies them by fp8.

    Raises
    ------
    InputError : no such precision
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision '{precision}' is not read")
    if "gpt-oss" in model:
        blackwell = system.startswith(("b2", "b3", "gb2", "gb3"))
        return Formats("mxfp4", "mxfp8" if blackwell else WIDE, "fp8_e4m3" if blackwell else WIDE, experts_only=True)
    chosen = PRECISIONS[precision]
    if precision == "fp8" and any(part in model for part in BLOCK_SCALED):
        return chosen._replace(scaling="block")
    only = precision == "fp4" and any(part in model for part in EXPERTS_ONLY)
    return chosen._replace(experts_only=True) if only else chosen


def _changed(operator: Operator, formats: Formats) -> Operator:
    if isinstance(operator, (Attention, MixtureOfExperts)):
        return operator
    if isinstance(operator, Matmul):
        if formats.experts_only or operator.name in ("lm_head", "router") or operator.name.endswith(".router"):
            return operator.with_(dtype=WIDE, weight_dtype=WIDE)
        return operator.with_(scaling=formats.scaling)
    return operator.with_(dtype=WIDE) if number_format(operator.dtype).bytes < number_format(WIDE).bytes else operator


@cache
def stored(network: Any, formats: Formats) -> RewrittenNetwork:
    """The network with its residual stream, norms, collectives and head in bf16, and all but experts where told."""
    return RewrittenNetwork(network, lambda operator: _changed(operator, formats), network.name)
