"""One entry to the GPU's cost functions, by the kind of a row."""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.gpu.attention import attention
from hwsim.models.gpu.matmul import matmul
from hwsim.models.gpu.memory_bound import elementwise, gather, norm, softmax
from hwsim.models.gpu.moe import moe
from hwsim.models.gpu.record import Gpu
from hwsim.rows import ATTENTION, CONVOLUTION, GATHER, MATMUL, MOE, NORM, SOFTMAX, OperatorCost, OperatorRow


@cost_function
def operator_cost(gpu: Gpu, row: OperatorRow) -> OperatorCost:
    """Cost of one call of an operator on one GPU, without the host's share. Collectives are costed by their link."""
    if row.kind == MATMUL or row.kind == CONVOLUTION:  # a convolution is an implicit matrix product
        return matmul(gpu, row)
    if row.kind == ATTENTION:
        return attention(gpu, row)
    if row.kind == MOE:
        return moe(gpu, row)
    if row.kind == NORM:
        return norm(gpu, row)
    if row.kind == SOFTMAX:
        return softmax(gpu, row)
    if row.kind == GATHER:
        return gather(gpu, row)
    return elementwise(gpu, row)
