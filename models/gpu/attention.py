"""Fused attention on a GPU (FlashAttention): packed query tiles over the keys, split KV, and the kernels around it.

The query heads that share a KV head are packed into the rows of a tile. A thread block walks the key tiles that its
queries see; products run on the tensor cores, the softmax between them is half hidden. Where the query tiles do not
fill the device the KV is cut and a second kernel joins the parts. See docs/methods/gpu_attention.md.
"""

from __future__ import annotations

from math import ceil, floor
from typing import NamedTuple

from hwsim.cost import cost_function
from hwsim.models.gpu.arithmetic import flop_energy_j, tensor_rate
from hwsim.models.gpu.power import kernel_energy_j, running_share, slowdown
from hwsim.models.gpu.record import Gpu
from hwsim.rows import ARITHMETIC_CODES, COMPUTE, LAUNCH, MEMORY, OperatorCost, OperatorRow

FP8 = ARITHMETIC_CODES["fp8_e4m3"]
QUERY_TILE = 128.0  # packed query rows of a thread block (FlashAttention 2 and 3)
SMALL_QUERY_TILE = 64.0  # of one that holds no more: the least rows of a warp group's product
KEY_TILE = 64.0  # keys a step
PROMPT_KEYS = 128.0  # that prompts' kernels multiply at a time (FlashAttention-3: 128 with heads of 128)
WIDE_HEAD = 256.0  # widest head whose operands stay in shared memory and registers
WIDE_SPLITS = 8.0  # Triton decode kernels, which serve wider heads, cut the KV into no more parts
NARROW_SHARE = 0.81  # of the 16-bit share that 8-bit products reach: 1.2 of 1.98 over 0.74 of 0.99 PFLOP/s [2]
WIDE_SHARE = 0.25  # (assumption) share of the product rate of narrower heads
SOFTMAX_OPERATIONS = 6.0  # vector operations a score beside its exponential: scale, maximum, subtract, sum, convert
EXPOSED = 0.5  # (assumption) share of the shorter of products and softmax that the longer does not hide
BLOCK_WIDTH = 0.3  # (assumption) share of a block's start and end that grows with the head width, at width 128
TENSOR_MEMORY = 512.0  # columns of an SM's tensor memory: a tile takes one for each score and value of a row [5]
SCORE_COLUMNS = 128.0  # keys of a tile there
PART_KEYS = 512.0  # fewest keys of a part where a cluster joins the parts: two steps of 256 [6]
FEW_ROWS = 32.0  # most packed rows of kernels whose rows are columns of the products [6]
TAIL = 1.0  # key tiles of mean blocks lost where causal blocks end unevenly
UNHIDDEN = 0.5  # (assumption) share of the blocks' starts and ends during which the memory pipe idles
RESIDENT_FROM, RESIDENT_TO = 0.65, 1.15  # KV over L2 capacity: all of it stays in a hot L2; none of it does


class Tiling(NamedTuple):
    """How a call is cut: query tiles of ``rows``, KV parts, keys of the longest and of the mean block."""

    tiles: float
    rows: float
    split: float
    longest: float
    mean: float


@cost_function
def visible_keys(row: OperatorRow) -> float:
    """Keys a query sees on average, from the operator's own FLOPs (mask and window counted)."""
    per_key = 2.0 * row.batch * row.heads * row.query_length * (row.head_dim + row.value_head_dim)
    return row.flops / per_key


@cost_function
def is_wide(gpu: Gpu, row: OperatorRow) -> bool:
    """Heads too wide for the usual kernels. Latent attention (values narrower than keys) has kernels of its own."""
    return gpu.attention_value_tile == 0.0 and row.head_dim > WIDE_HEAD and row.head_dim == row.value_head_dim


@cost_function
def has_few_rows(row: OperatorRow) -> bool:
    """Tell whether the queries that see a KV head fill less than the rows of a product."""
    return row.query_length * row.heads / row.kv_heads <= FEW_ROWS


@cost_function
def value_parts(gpu: Gpu, row: OperatorRow) -> float:
    """Blocks that share the values of a wide head; each computes all scores. Few rows fit a block whole."""
    if gpu.attention_value_tile == 0.0 or has_few_rows(row) or row.head_dim != row.value_head_dim:
        return 1.0
    return ceil(row.value_head_dim / gpu.attention_value_tile)


@cost_function
def block_width(gpu: Gpu, row: OperatorRow) -> float:
    """Keys' and values' width that a block multiplies with."""
    return row.head_dim + row.value_head_dim / value_parts(gpu, row)


@cost_function
def product_format(gpu: Gpu, row: OperatorRow) -> float:
    """Arithmetic of the products: kernels that take an 8-bit KV only with 8-bit queries scale the queries first."""
    scaled = gpu.attention_narrow > 0.0 and row.stored_bytes == 1.0 and row.dtype_bytes > 1.0
    return FP8 if scaled and gpu.rate_fp8 > 0.0 else row.arithmetic


@cost_function
def is_narrow(gpu: Gpu, row: OperatorRow) -> bool:
    """Tell whether the products run at the 8-bit rate."""
    return tensor_rate(gpu, product_format(gpu, row)) > 1.5 * gpu.rate_fp16


@cost_function
def tiling(gpu: Gpu, row: OperatorRow) -> Tiling:
    """Pack ``heads / kv_heads`` queries a position into tiles, skip what the mask hides, and split where SMs idle."""
    group = row.heads / row.kv_heads
    packed = row.query_length * group
    per_head = ceil(packed / QUERY_TILE)
    tiles = row.batch * row.kv_heads * per_head * value_parts(gpu, row)
    positions = min(row.query_length, QUERY_TILE / group) - 1.0  # beside the first, of a tile
    visible = visible_keys(row)
    longest, mean = row.kv_length, visible
    if row.window > 0.0:
        longest = min(row.kv_length, row.window + positions)
        mean = min(longest, visible + positions)
    elif row.causal > 0.0:
        mean = min(longest, visible + 0.5 * positions)
    longest = ceil(longest / KEY_TILE)
    mean = longest if per_head == 1.0 else min(longest, max(1.0, mean / KEY_TILE))
    rows = QUERY_TILE if packed > SMALL_QUERY_TILE else SMALL_QUERY_TILE
    return Tiling(tiles, rows, best_split(gpu, row, tiles, rows, longest), longest, mean)


@cost_function
def most_parts(gpu: Gpu, row: OperatorRow, tiles: float, longest: float) -> float:
    """Most parts of the KV that run at once, as far as the kernels cut it."""
    room = floor(gpu.sm_count / tiles)
    if gpu.attention_cluster > 0.0:
        return min(ceil(longest * KEY_TILE / PART_KEYS), room)
    return min(longest, room, WIDE_SPLITS) if is_wide(gpu, row) else min(longest, room)


@cost_function
def join_s(gpu: Gpu, row: OperatorRow, parts: float) -> float:
    """Seconds to join the parts of a KV, by a second kernel or in the shared memory of a cluster."""
    if parts <= 1.0:
        return 0.0
    joined = has_few_rows(row) and parts <= gpu.attention_cluster
    return parts * gpu.attention_split_s + (0.0 if joined else gpu.attention_combine_s)


@cost_function
def best_split(gpu: Gpu, row: OperatorRow, tiles: float, rows: float, longest: float) -> float:
    """Parts of the KV that end soonest; one where no cut ends sooner, as on a device that the tiles fill.

    Steps that hide behind the stream of the KV need no more parts.
    """
    step_s, memory_s = key_tile_s(gpu, row, rows), stream_s(gpu, row, 1.0, 0.0)
    best, soonest_s = 1.0, max(memory_s, longest * step_s)
    least = ceil(longest / max(1.0, most_parts(gpu, row, tiles, longest)))
    steps = max(1.0, least, floor(memory_s / step_s))
    while steps * step_s < soonest_s:
        parts = ceil(longest / steps)
        seconds = max(memory_s, steps * step_s) + join_s(gpu, row, parts)
        if seconds < soonest_s:
            best, soonest_s = parts, seconds
        steps = steps + 1.0
    return best


@cost_function
def key_tile_s(gpu: Gpu, row: OperatorRow, rows: float) -> float:
    """Seconds of one step of a block: two products of (rows, keys), the softmax between, and what neither hides.

    Exponentials and the other vector operations of a softmax run side by side, on units of their own.
    """
    share = gpu.attention_achieved * (WIDE_SHARE if is_wide(gpu, row) else 1.0)
    share = share * (NARROW_SHARE if is_narrow(gpu, row) else 1.0)
    scores = rows * KEY_TILE
    products = 2.0 * scores * block_width(gpu, row) / (tensor_rate(gpu, product_format(gpu, row)) * share)
    softmax = scores * max(1.0 / gpu.exponential_rate, SOFTMAX_OPERATIONS / gpu.vector_rate)
    return (max(products, softmax) + EXPOSED * min(products, softmax)) / gpu.clock_hz


@cost_function
def block_overhead_s(gpu: Gpu, row: OperatorRow) -> float:
    """Seconds a thread block takes beside its key tiles: scheduling, the query's load, the result's store."""
    block_s = gpu.attention_block_s * (1.0 - BLOCK_WIDTH + BLOCK_WIDTH * min(row.head_dim, WIDE_HEAD) / 128.0)
    return block_s * gpu.attention_ungrouped if row.query_length == 1.0 and row.heads == row.kv_heads else block_s


@cost_function
def in_flight(gpu: Gpu, row: OperatorRow) -> float:
    """Blocks whose starts and ends overlap on one SM, as many as the tensor memory holds accumulators of."""
    if gpu.attention_in_flight == 1.0 or has_few_rows(row):
        return gpu.attention_in_flight
    columns = SCORE_COLUMNS + row.value_head_dim / value_parts(gpu, row)
    return max(1.0, min(gpu.attention_in_flight, floor(TENSOR_MEMORY / columns)))


@cost_function
def blocks_s(gpu: Gpu, cut: Tiling, step_s: float, block_s: float) -> float:
    """Seconds of all blocks' key tiles on the SMs, and of the starts and ends of all but the first wave of blocks."""
    waves = cut.tiles * cut.split / gpu.sm_count
    steps = ceil(cut.longest / cut.split)
    if waves <= 1.0:
        return steps * step_s
    equal_s = ceil(waves) * (steps * step_s + block_s) - block_s
    # A causal mask: the longest blocks start first, and all take no longer than if all were as long.
    uneven_s = waves * (cut.mean * step_s + block_s) + TAIL * cut.mean * step_s - block_s
    least_s = max(cut.longest * step_s, ceil(waves) * (step_s + block_s) - block_s)  # a block has one key tile or more
    return equal_s if cut.mean == cut.longest else min(equal_s, max(least_s, uneven_s))


@cost_function
def outer_bytes(row: OperatorRow) -> float:
    """Bytes of the queries and of the output."""
    return row.batch * row.query_length * row.heads * (row.head_dim + row.value_head_dim) * row.dtype_bytes


@cost_function
def stream_s(gpu: Gpu, row: OperatorRow, waves: float, block_s: float) -> float:
    """Seconds to stream the KV. In decode nothing else keeps the memory busy while blocks start and end.

    A prompt's KV was written just before; that of a decode step is in the L2 only where a benchmark repeats the step.
    """
    kv_bytes = row.bytes - outer_bytes(row)
    if row.query_length > 1.0:
        return moved_s(gpu, kv_bytes, held_share(gpu, row.bytes))
    held = held_share(gpu, row.weight_sets * kv_bytes) if row.weight_sets >= 1.0 else 0.0
    idle_s = UNHIDDEN * ceil(waves) * block_s if waves > 1.0 else 0.0
    return moved_s(gpu, kv_bytes, held) + (1.0 - held_share(gpu, kv_bytes)) * gpu.attention_ramp_s + idle_s


@cost_function
def moved_s(gpu: Gpu, moved_bytes: float, held: float) -> float:
    """Seconds to move bytes of which a share is held in the L2.

    An L2 in one part gives them at its own rate. Of one in two partitions an SM finds the copies of its own side only,
    and the other side is no faster than memory.
    """
    memory_s = moved_bytes / (gpu.memory_bandwidth_bytes_per_s * gpu.attention_memory)
    if gpu.l2_partitions >= 2.0:
        return memory_s
    cache_s = moved_bytes / (gpu.l2_bandwidth_bytes_per_cycle * gpu.clock_hz)
    return held * min(memory_s, cache_s) + (1.0 - held) * memory_s


@cost_function
def held_share(gpu: Gpu, footprint_bytes: float) -> float:
    """Share of so many bytes that is still in the L2 when they are used again."""
    held = (RESIDENT_TO - footprint_bytes / gpu.l2_bytes) / (RESIDENT_TO - RESIDENT_FROM)
    return min(1.0, max(0.0, held))


@cost_function
def visited_keys(row: OperatorRow, cut: Tiling) -> float:
    """Keys that a tile of queries is multiplied with, masked ones too: both ends of a window lie within a step of keys.

    These take energy; the time of a step is fitted without them.
    """
    keys = cut.mean * KEY_TILE
    if row.window <= 0.0 or row.query_length <= 1.0:
        return keys
    return max(keys, min(keys + PROMPT_KEYS - 1.0, row.kv_length))


@cost_function
def attention(gpu: Gpu, row: OperatorRow) -> OperatorCost:
    """Cost of attention as runtimes launch it: with the kernel that appends to the KV, and the one that joins splits.

    ``latency = fixed + append + block + max(blocks' time, stream of the KV) + query, output and appended bytes``.
    """
    cut = tiling(gpu, row)
    step_s, block_s = key_tile_s(gpu, row, cut.rows), block_overhead_s(gpu, row)
    width = row.head_dim + row.value_head_dim
    later_s = block_s / in_flight(gpu, row)
    memory_s = stream_s(gpu, row, cut.tiles * cut.split / gpu.sm_count, later_s)
    appended = 2.0 * row.batch * row.query_length * row.kv_heads * width * row.stored_bytes
    serial_s = moved_s(gpu, outer_bytes(row) + appended, held_share(gpu, row.bytes))
    fixed_s = gpu.attention_fixed_s + block_s
    if row.query_length > 1.0:
        token_heads = row.batch * row.query_length * (row.heads + 2.0 * row.kv_heads)
        fixed_s = fixed_s + gpu.attention_append_s
        serial_s = serial_s + token_heads * gpu.attention_append_row_s
    if is_narrow(gpu, row):  # a kernel scales the queries to 8 bits, by one fixed scale: in one pass
        values = row.batch * row.query_length * row.heads * row.head_dim
        fixed_s = fixed_s + gpu.quantise_fixed_s
        serial_s = serial_s + 3.0 * values / (gpu.memory_bandwidth_bytes_per_s * gpu.memory_achieved)
    partial = 0.0
    if cut.split > 1.0:
        fixed_s = fixed_s + join_s(gpu, row, cut.split)
        partial = 8.0 * cut.split * row.batch * row.heads * row.query_length * row.value_head_dim
    visited = visited_keys(row, cut)
    cached = cut.tiles * visited * block_width(gpu, row) * row.stored_bytes + row.bytes + partial
    scores = max(row.flops / (2.0 * width), cut.tiles * cut.rows * visited)  # of whole tiles
    dynamic_j = (
        scores * 2.0 * block_width(gpu, row) * flop_energy_j(gpu, product_format(gpu, row))
        + scores * (SOFTMAX_OPERATIONS + gpu.vector_rate / gpu.exponential_rate) * gpu.energy_vector_j
        + cached * gpu.energy_l2_byte_j
        + row.bytes * gpu.energy_memory_byte_j
    )
    return assembled(gpu, blocks_s(gpu, cut, step_s, later_s), memory_s, serial_s, fixed_s, dynamic_j)


@cost_function
def assembled(
    gpu: Gpu, compute_s: float, memory_s: float, serial_s: float, fixed_s: float, dynamic_j: float
) -> OperatorCost:
    """Products over the KV's stream, with the traffic before and after; the board's power limit stretches the whole."""
    full_s = fixed_s + serial_s + max(compute_s, memory_s)
    clocked_s = fixed_s + compute_s
    running = running_share(full_s, gpu.attention_fixed_s)
    slower = slowdown(gpu, dynamic_j, full_s, clocked_s, running)
    latency_s = max(full_s, clocked_s * slower)
    bound = COMPUTE
    if latency_s <= full_s:
        if fixed_s > max(compute_s, memory_s + serial_s):
            bound = LAUNCH
        elif memory_s + serial_s > compute_s:
            bound = MEMORY
    energy_j = kernel_energy_j(gpu, dynamic_j, latency_s, slower, running)
    return OperatorCost(latency_s, energy_j, compute_s, memory_s + serial_s, 0.0, 0.0, fixed_s, bound)
