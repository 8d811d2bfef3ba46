"""Matrix products on a GPU: a search over tile shapes and splits of k, waves over SMs, traffic at two levels.

See docs/methods/gpu.md for the mechanisms, the constants and the measured errors.
"""

from __future__ import annotations

from math import ceil, floor, sqrt
from typing import NamedTuple

from hwsim.cost import cost_function
from hwsim.models.gpu.arithmetic import flop_energy_j, tensor_rate
from hwsim.models.gpu.memory import assembled, cached_share, memory_bandwidth, overlapped
from hwsim.models.gpu.power import kernel_energy_j, running_share
from hwsim.models.gpu.record import Gpu
from hwsim.rows import LAUNCH, OperatorCost, OperatorRow

# Tile shapes (rows, columns) of a thread block, as the libraries build them; one pair of floats after the other.
TILES = (
    256.0, 128.0, 128.0, 256.0, 128.0, 128.0, 256.0, 64.0, 64.0, 256.0, 128.0, 64.0, 64.0, 128.0, 64.0, 64.0,
    64.0, 32.0, 32.0, 64.0, 32.0, 128.0, 16.0, 128.0, 16.0, 64.0, 16.0, 32.0,
)  # fmt: skip
TILE_COUNT = 14
SPLITS = 4  # beside no split: as many parts of k as fill the SMs, a half, a quarter and an eighth of them
LARGEST_TILE = 32768.0  # results whose fp32 accumulators fill half of an SM's registers: one such tile at a time
SMALLEST_ROWS = 16.0  # rows of a tensor-core instruction
MOST_BLOCKS = 4.0  # thread blocks that share an SM, at most
K_STEP_BYTES = 128.0  # bytes of k a tile loads at a step: one cache line a row
SMALLEST_SPLIT_BYTES = 256.0  # bytes of k a part of a split has at least
SOONER = 1.0 - 1e-9  # equal times are a tie, which the first candidate wins however the last bits were rounded
MOST_ROUNDS = 8.0  # rounds of blocks over the SMs beyond which only the largest tiles that fit are tried
WIDENING_OPERATIONS = 2.0  # vector operations to widen one stored weight to the multiplied format
SCALE_BLOCK = 128.0  # values of k that share a block scale
PROMOTED_ROWS = 64.0  # least rows of a tile whose sums are promoted: one warp group's instruction
DRAIN_CYCLES = 64.0  # (assumption) the last tensor instruction of a block of k, before its sums can be read
# Scaling rows to int8 by PyTorch's own kernels (torchao, quant_primitives.py: choose_qparams_affine, quantize_affine):
EAGER_KERNELS = 8.0  # least, largest, to fp32, times 1/scale, rounded, plus zero point, clamped, to int8
EAGER_BYTES = 47.0  # 2 + 2 + 6 + 8 + 8 + 8 + 8 + 5 a value, read and written
RESULT_BYTES = 2.0  # results leave in 16 bits at least
ENDLESS = 1e9  # sets of weights that take turns in a network: none is still in the L2 when it comes back


class Product(NamedTuple):
    """``groups`` products of (m, k) by (k, n); bytes a value of each operand, and the compulsory memory traffic."""

    groups: float
    m: float
    n: float
    k: float
    a_bytes: float
    b_bytes: float
    arithmetic: float
    traffic_bytes: float
    promoted: float  # 1: sums leave the tensor cores every 128 of k, are scaled and added up by vector units


class Traffic(NamedTuple):
    """What a product moves, in bytes: compulsory traffic after the L2's hits, and both operands of one group."""

    compulsory: float
    operands: float


class Candidate(NamedTuple):
    """Times of one tile shape and split, in seconds, the bytes that memory and L2 move, the FLOPs of whole tiles."""

    time_s: float
    compute_s: float
    memory_s: float
    cache_s: float
    fixed_s: float
    memory_bytes: float
    cache_bytes: float
    tile_flops: float


@cost_function
def step_cycles(gpu: Gpu, product: Product, rows: float, columns: float, together: float) -> float:
    """Cycles of one k step (128 bytes of k) of a tile on an SM that runs ``together`` of them at a time.

    The products at the tensor rate, or the latency of a step, load to use over the stages of the pipeline, which
    thread blocks on the same SM hide for each other. Narrow weights are widened on the vector units. Promoted sums
    (block scales without hardware for them) cost a multiply-add a result each 128 of k, and the tensor pipe runs empty.
    """
    values = K_STEP_BYTES / max(product.a_bytes, 0.5)
    work = 2.0 * rows * columns * values / (tensor_rate(gpu, product.arithmetic) * gpu.matmul_achieved)
    if product.b_bytes < 0.9 * product.a_bytes:
        work = work + values * WIDENING_OPERATIONS * columns / gpu.vector_rate
    if product.promoted > 0.0:
        promotion = values / SCALE_BLOCK * 2.0 * rows * columns / gpu.vector_rate
        chain = max(work, gpu.matmul_step_cycles) + promotion + DRAIN_CYCLES
        return max(work + promotion, chain / together)
    return max(work, gpu.matmul_step_cycles / together)


@cost_function
def tiles_per_sm(gpu: Gpu, blocks: float, together: float, rounding: float) -> float:
    """Tiles that the busiest SM computes one after the other.

    Full rounds of ``together`` blocks on every SM; ``rounding`` is the share of the last round's idle time that finer
    tiles and stream-K do not win back.
    """
    mean = blocks / gpu.sm_count
    if mean <= 1.0:
        return 1.0
    return mean + rounding * (together * ceil(mean / together) - mean)


@cost_function
def compulsory_traffic(gpu: Gpu, product: Product, weight_sets: float) -> Traffic:
    """Bytes from main memory with each operand read once, less what is still in the L2.

    Activations come from the kernel before and results go to the next one: they stay if both fit beside the weights.
    Weights are used again after ``weight_sets`` products of this size.
    """
    b = product.groups * product.n * product.k * product.b_bytes
    rest = max(product.traffic_bytes - b, 0.0)
    hit = cached_share(gpu, rest + b)
    weights_hit = cached_share(gpu, rest + weight_sets * b)
    operands = product.k * (product.m * product.a_bytes + product.n * product.b_bytes)
    return Traffic(rest * (1.0 - hit) + b * (1.0 - weights_hit), operands)


@cost_function
def repeated_traffic(
    gpu: Gpu, product: Product, operands: float, rows: float, columns: float, tiles_m: float, tiles_n: float
) -> float:
    """Bytes read from main memory again. What fits in the L2 is read once; else each wave reads its panels again.

    A wave of ``sm_count`` tiles in a near-square patch shares ``sqrt(sm_count)`` panels of each operand.
    """
    usable = gpu.l2_bytes * gpu.matmul_l2_share
    if operands <= usable:
        return 0.0
    tall = min(tiles_m, max(1.0, sqrt(gpu.sm_count * columns / rows)))
    wide = min(tiles_n, max(1.0, gpu.sm_count / tall))
    a_reads = product.m * product.k * product.a_bytes * (ceil(tiles_n / wide) - 1.0)
    b_reads = product.n * product.k * product.b_bytes * (ceil(tiles_m / tall) - 1.0)
    return product.groups * (1.0 - usable / operands) * min(a_reads, b_reads)


@cost_function
def largest_tile(product: Product) -> float:
    """Results of the largest tile: half the registers hold its sums; promoted ones are there twice."""
    return 0.5 * LARGEST_TILE if product.promoted > 0.0 else LARGEST_TILE


@cost_function
def hidden_setup_s(gpu: Gpu) -> float:
    """Seconds of a product's set-up that run during the kernel before: all that a plain kernel does not have."""
    return max(0.0, gpu.matmul_fixed_s - gpu.quantise_fixed_s) if gpu.matmul_dependent > 0.0 else 0.0


@cost_function
def candidate(
    gpu: Gpu, product: Product, traffic: Traffic, rows: float, columns: float, blocks: float, split: float
) -> Candidate:
    """Times of a product cut into tiles of (rows, columns), ``blocks`` of them with ``split`` parts of k."""
    tiles_m, tiles_n = ceil(product.m / rows), ceil(product.n / columns)
    steps = 0.5 * ceil(2.0 * product.k * product.a_bytes / (split * K_STEP_BYTES))
    active = min(blocks, gpu.sm_count)
    resident = max(1.0, min(MOST_BLOCKS, floor(largest_tile(product) / (rows * columns))))
    # Kernels that promote sums have neither stream-K nor a choice of finer tiles.
    tiles = tiles_per_sm(gpu, blocks, resident, 1.0 if product.promoted > 0.0 else gpu.matmul_rounding)
    main = steps * step_cycles(gpu, product, rows, columns, min(tiles, resident))
    store = gpu.matmul_store_cycles * rows * columns / LARGEST_TILE
    # A second set of accumulators stores one tile behind the main loop of the next.
    exposed = tiles * store if gpu.matmul_accumulators < 2.0 else store + max(0.0, tiles - 1.0) * max(0.0, store - main)
    compute_s = (tiles * main + exposed) / gpu.clock_hz
    results = product.groups * product.m * product.n
    partial = 0.0 if split <= 1.0 else 8.0 * split * results  # fp32 parts, written and read in the L2
    read = product.groups * tiles_m * tiles_n * product.k * (rows * product.a_bytes + columns * product.b_bytes)
    cached = read + results * RESULT_BYTES + partial
    moved = traffic.compulsory + repeated_traffic(gpu, product, traffic.operands, rows, columns, tiles_m, tiles_n)
    memory_s = moved / memory_bandwidth(gpu, active)
    port = min(1.0, 1.25 * active / gpu.sm_count)  # an SM draws up to a quarter more than its part
    cache_s = cached / (gpu.matmul_l2_bytes_per_cycle * gpu.clock_hz * port)
    fixed = gpu.matmul_fixed_s - hidden_setup_s(gpu) + (gpu.matmul_fixed_s if split > 1.0 else 0.0)  # a second kernel
    time = fixed + overlapped(compute_s, memory_s, cache_s, gpu.matmul_interference)
    flops = 2.0 * product.groups * tiles_m * rows * tiles_n * columns * product.k
    return Candidate(time, compute_s, memory_s, cache_s, fixed, moved, cached, flops)


@cost_function
def fastest(gpu: Gpu, product: Product, traffic: Traffic) -> Candidate:
    """The fastest tile shape and split."""
    best = Candidate(1e300, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    parts_most = product.k * product.a_bytes / SMALLEST_SPLIT_BYTES if product.promoted <= 0.0 else 1.0
    least, largest = (
        (SMALLEST_ROWS, LARGEST_TILE) if product.promoted <= 0.0 else (PROMOTED_ROWS, largest_tile(product))
    )
    for index in range(TILE_COUNT):
        rows, columns = TILES[2 * index], TILES[2 * index + 1]
        if rows < least or rows * columns > largest:
            continue
        if (rows > least and rows >= 2.0 * product.m) or (columns > 32.0 and columns >= 2.0 * product.n):
            continue  # half the tile would hold the same results
        blocks = product.groups * ceil(product.m / rows) * ceil(product.n / columns)
        if blocks > MOST_ROUNDS * gpu.sm_count and rows * columns < largest and best.time_s < 1e300:
            continue  # many rounds: the larger tile reuses more, and what a smaller one saves in the last is little
        split = 1.0
        parts = gpu.sm_count / blocks
        for _ in range(SPLITS + 1):
            found = candidate(gpu, product, traffic, rows, columns, blocks * split, split)
            if found.time_s < SOONER * best.time_s:
                best = found
            split = floor(min(parts, parts_most))
            if split < 2.0:
                break
            parts = 0.5 * parts
    return best


@cost_function
def product_cost_with(gpu: Gpu, product: Product, weight_sets: float) -> OperatorCost:
    """Cost of a product whose weights come back after ``weight_sets`` products of its size."""
    best = fastest(gpu, product, compulsory_traffic(gpu, product, weight_sets))
    flops = 2.0 * product.groups * product.m * product.n * product.k
    # Promoted: each 128 of k a partial sum is scaled and added on the vector units, two operations a result.
    dynamic = (
        best.tile_flops * flop_energy_j(gpu, product.arithmetic)
        + product.promoted * best.tile_flops / SCALE_BLOCK * gpu.energy_vector_j
        + best.cache_bytes * gpu.energy_l2_byte_j
        + best.memory_bytes * gpu.energy_memory_byte_j
    )
    # Never under the roofline of the pins, whatever the L2 held: a network's traffic is at least the compulsory one.
    peak = gpu.sm_count * gpu.clock_hz * tensor_rate(gpu, product.arithmetic)
    floor_s = max(flops / peak, product.traffic_bytes / gpu.memory_bandwidth_bytes_per_s)
    busy = max(best.time_s - best.fixed_s, floor_s - best.fixed_s)
    return assembled(gpu, busy, best.compute_s, best.memory_s, best.cache_s, best.fixed_s, dynamic)


@cost_function
def product_cost(gpu: Gpu, product: Product) -> OperatorCost:
    """Cost of the fastest tile shape and split, weights from main memory."""
    return product_cost_with(gpu, product, ENDLESS)


@cost_function
def promotes(gpu: Gpu, row: OperatorRow) -> float:
    """1 where sums are promoted: block scales on tensor cores without scaled formats (fp4 is the first of them)."""
    return 1.0 if row.scaling == 2.0 and row.dtype_bytes < 1.5 and gpu.rate_fp4 <= 0.0 else 0.0


@cost_function
def scaling_s(gpu: Gpu, row: OperatorRow) -> float:
    """Seconds, beside their bytes, of the kernel or kernels that scale 16-bit activations."""
    if row.scaling == 3.0:
        return EAGER_KERNELS * gpu.fixed_s
    if row.scaling == 2.0:
        return gpu.quantise_fixed_s * (2.0 if gpu.rate_fp4 > 0.0 else 1.0)
    rows = row.batch * row.m
    return gpu.quantise_fixed_s + row.k * gpu.quantise_value_s + min(rows * gpu.quantise_row_s, gpu.quantise_grid_s)


@cost_function
def quantised(gpu: Gpu, row: OperatorRow, cost: OperatorCost) -> OperatorCost:
    """The product after a kernel that scales 16-bit activations to the 8 or 4 bits they are multiplied in.

    A block takes a row, finds its largest value, scales it and writes it: a time for the values of one row, one for
    issuing each row, and the bytes of all rows at a share of the bandwidth. With many rows a kernel over the whole
    grid in two passes takes the place of a block a row. Block scales need neither: a warp scales its own 128 values;
    tensor cores that apply them want them packed, in a kernel of its own. No product sets up while this one ends.
    """
    eager = row.scaling == 3.0
    read = row.batch * row.m * row.k * (EAGER_BYTES if eager else 2.0 + row.dtype_bytes)
    bandwidth = gpu.memory_bandwidth_bytes_per_s * (gpu.memory_achieved if eager else gpu.quantise_memory)
    time = read / bandwidth + scaling_s(gpu, row) + hidden_setup_s(gpu)
    moved_j = read * (gpu.energy_memory_byte_j + gpu.energy_l2_byte_j)
    energy = kernel_energy_j(gpu, moved_j, time, 1.0, running_share(time, gpu.quantise_fixed_s))
    return OperatorCost(
        cost.latency_s + time, cost.energy_j + energy, cost.compute_s, cost.memory_s + read / bandwidth, cost.cache_s,
        cost.link_s, cost.fixed_s + time - read / bandwidth, cost.bound,
    )  # fmt: skip


@cost_function
def fallback_s(gpu: Gpu, row: OperatorRow) -> float:
    """Least seconds of a block-scaled product that is narrower than a scale block: no fast kernel takes it.

    The host starts general kernels one after the other: scaling and product, and padding where k is short.
    """
    if row.scaling != 2.0 or (row.n >= SCALE_BLOCK and row.k >= SCALE_BLOCK):
        return 0.0
    return gpu.quantise_host_s * (2.0 if row.k < SCALE_BLOCK else 1.0)


@cost_function
def matmul(gpu: Gpu, row: OperatorRow) -> OperatorCost:
    """Cost of ``batch`` products of (m, k) by (k, n); with activations narrower than 16 bits, also of scaling them."""
    traffic = row.bytes + row.batch * row.m * row.n * max(0.0, RESULT_BYTES - row.dtype_bytes)
    product = Product(
        row.batch, row.m, row.n, row.k, row.dtype_bytes, row.stored_bytes, row.arithmetic, traffic, promotes(gpu, row)
    )
    cost = product_cost_with(gpu, product, row.weight_sets if row.weight_sets > 0.0 else ENDLESS)
    if row.dtype_bytes >= 1.5:
        return cost
    cost = quantised(gpu, row, cost)
    waited = max(0.0, fallback_s(gpu, row) - cost.latency_s)
    return OperatorCost(
        cost.latency_s + waited, cost.energy_j + gpu.idle_power_w * waited, cost.compute_s, cost.memory_s, cost.cache_s,
        cost.link_s, cost.fixed_s + waited, LAUNCH if waited > 0.0 else cost.bound,
    )  # fmt: skip
