"""An FPGA overlay: DSP chains in matrix-matrix and matrix-vector mode, special-function lanes, HBM channels.

Weights stream from memory while the chains compute (double buffers); activations of a decode step stay on chip, so
only weights and KV move. The KV of a step is loaded before its products. See docs/methods/fpga.md.
"""

from __future__ import annotations

from math import ceil

from hwsim.cost import cost_function
from hwsim.models.fpga.record import Fpga
from hwsim.rows import COMPUTE, MEMORY, OperatorCost, OperatorRow


@cost_function
def core_cycles_per_s(fpga: Fpga) -> float:
    """Cycles a second of all cores together, balance counted."""
    return fpga.clock_hz * fpga.cores * fpga.core_balance


@cost_function
def load_rate(fpga: Fpga) -> float:
    """Bytes/s that the cores load: channels of each core at their achieved share, never above the part's pins."""
    each = fpga.channels_per_core * fpga.channel_bandwidth_bytes_per_s * fpga.channel_achieved
    return min(each * fpga.cores * fpga.core_balance, fpga.memory_bandwidth_bytes_per_s)


@cost_function
def product_s(fpga: Fpga, m: float, n: float, k: float, density: float) -> float:
    """Seconds of an (m, k) by (k, n) product in the faster mode; ``density`` of the weights are kept (N:M sparsity).

    Matrix-matrix: m padded to the tile, ``m k n density / matrix_macs`` cycles.
    Matrix-vector: n padded to the tile, ``m k n density / vector_macs`` cycles.
    """
    rows = fpga.matrix_tile_rows * ceil(m / fpga.matrix_tile_rows)
    columns = fpga.vector_tile_columns * ceil(n / fpga.vector_tile_columns)
    matrix = rows * k * n * density / fpga.matrix_macs
    vector = m * k * columns * density / fpga.vector_macs
    return min(matrix, vector) / core_cycles_per_s(fpga)


@cost_function
def held_s(fpga: Fpga, latency_s: float, dynamic_j: float) -> float:
    """Seconds with the board's power limit kept: its clock is throttled at the same voltage, so energy stays."""
    return max(latency_s, dynamic_j / max(fpga.power_limit_w - fpga.idle_power_w, 1e-3))


@cost_function
def total(fpga: Fpga, compute_s: float, load_s: float, serial_load_s: float, dynamic_j: float) -> OperatorCost:
    """Compute and double-buffered loads overlap; ``serial_load_s`` comes before them. The power limit binds compute."""
    unlimited = max(compute_s, load_s) + serial_load_s
    latency = held_s(fpga, unlimited, dynamic_j)
    bound = COMPUTE if latency > unlimited or compute_s >= load_s + serial_load_s else MEMORY
    energy = dynamic_j + fpga.idle_power_w * latency
    return OperatorCost(latency, energy, compute_s, load_s + serial_load_s, 0.0, 0.0, 0.0, bound)


@cost_function
def spilled(fpga: Fpga, activation_bytes: float) -> float:
    """Activation bytes that go to memory: none while they fit the on-chip buffer."""
    return activation_bytes if activation_bytes > fpga.buffer_bytes else 0.0


@cost_function
def matmul(fpga: Fpga, row: OperatorRow) -> OperatorCost:
    """``batch`` products of (m, k) by (k, n)."""
    weights = row.batch * row.n * row.k * row.stored_bytes * row.density
    traffic = weights + row.batch * spilled(fpga, row.m * (row.k + row.n) * row.dtype_bytes)
    compute_s = row.batch * product_s(fpga, row.m, row.n, row.k, row.density)
    macs = row.batch * row.m * row.n * row.k * row.density
    dynamic = macs * fpga.energy_mac_j + traffic * fpga.energy_memory_byte_j
    return total(fpga, compute_s, traffic / load_rate(fpga), 0.0, dynamic)


@cost_function
def attention(fpga: Fpga, row: OperatorRow) -> OperatorCost:
    """Scores, softmax and weighted sum of every head, after the KV is loaded; masked scores are computed too."""
    heads = row.batch * row.heads
    keys = min(row.kv_length, row.window + row.query_length - 1.0) if row.window > 0.0 else row.kv_length
    scores = heads * product_s(fpga, row.query_length, keys, row.head_dim, 1.0)
    values = heads * product_s(fpga, row.query_length, row.value_head_dim, keys, 1.0)
    special = heads * row.query_length * keys * fpga.softmax_passes
    softmax_s = special / fpga.lanes / core_cycles_per_s(fpga)
    kv = row.batch * row.kv_heads * keys * (row.head_dim + row.value_head_dim) * row.stored_bytes
    macs = heads * row.query_length * keys * (row.head_dim + row.value_head_dim)
    dynamic = macs * fpga.energy_mac_j + special * fpga.energy_lane_j + kv * fpga.energy_memory_byte_j
    return total(fpga, scores + values + softmax_s, 0.0, kv / load_rate(fpga), dynamic)


@cost_function
def lanes(fpga: Fpga, operations: float, traffic: float) -> OperatorCost:
    """A map, a norm or a softmax on the special-function lanes; ``traffic`` is what does not stay on chip."""
    compute_s = operations / fpga.lanes / core_cycles_per_s(fpga)
    dynamic = operations * fpga.energy_lane_j + traffic * fpga.energy_memory_byte_j
    return total(fpga, compute_s, traffic / load_rate(fpga), 0.0, dynamic)


@cost_function
def experts(fpga: Fpga, row: OperatorRow) -> OperatorCost:
    """Routed experts: the products of each expert in use over its tokens."""
    used = max(1.0, row.experts_touched)
    tokens = max(1.0, row.tokens * row.top_k / used)
    up = product_s(fpga, tokens, (row.matrices - 1.0) * row.intermediate, row.hidden, 1.0)
    down = product_s(fpga, tokens, row.hidden, row.intermediate, 1.0)
    traffic = used * row.matrices * row.hidden * row.intermediate * row.stored_bytes
    dynamic = 0.5 * row.flops * fpga.energy_mac_j + traffic * fpga.energy_memory_byte_j
    return total(fpga, used * (up + down), traffic / load_rate(fpga), 0.0, dynamic)
