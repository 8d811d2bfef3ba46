"""How a weight matrix is tiled over flash cores and NPU: the tile, its round, the share of each, the rounds in all.

A tile is what all cores work on at once: every core one page. Its columns (inputs) are cut over the channels, its
rows (outputs) over the cores of a channel. See docs/methods/flash.md for the derivation and its check.
"""

from __future__ import annotations

from math import ceil, floor, log2
from typing import NamedTuple

from hwsim.cost import cost_function
from hwsim.models.flash.record import FlashChiplet


class Product(NamedTuple):
    """``groups`` products of an (m, k) activation with a stored (k, n) matrix; bytes a value of both; slow-down."""

    groups: float
    m: float
    n: float
    k: float
    value_bytes: float
    stored_bytes: float
    passes: float  # array passes a multiply-add takes: 1 for 8 bits and less, 2 for 16, 4 for 32


class Round(NamedTuple):
    """One tile on all cores at once: its shape, its seconds, its bytes on one channel, and what reads get meanwhile."""

    columns: float  # of one channel
    rows: float
    compute_s: float
    seconds: float
    vector_bytes: float  # inputs and results on one channel
    read_bandwidth_bytes_per_s: float  # plain reads of all channels while cores work
    flash_share: float  # share of a matrix that the flash computes so that both sides end together


class Plan(NamedTuple):
    """How one product runs: rounds on the flash, rows and bytes of the NPU, seconds of each side, bytes on buses."""

    rounds: float
    flash_bytes: float
    npu_rows: float
    npu_bytes: float
    bus_bytes: float
    flash_s: float
    compute_s: float  # of the cores, inside flash_s
    read_s: float
    npu_s: float


@cost_function
def cores_a_channel(flash: FlashChiplet) -> float:
    """Cores (dies) on one channel."""
    return flash.chips * flash.dies


@cost_function
def flash_bytes(flash: FlashChiplet) -> float:
    """Bytes of all dies."""
    return flash.channels * flash.chips * flash.dies * flash.die_bytes


@cost_function
def tile_shape_columns(flash: FlashChiplet, stored_bytes: float) -> float:
    """Columns of a tile on one channel: a power of two near the square root of what its cores hold.

    Inputs (columns) and results (rows) of a round cross the channel once, so their sum is smallest for a square. Of
    two powers of two that are equally near, the wider has fewer results, which are partial sums and the wider values.
    """
    values = floor(flash.page_bytes / stored_bytes)
    columns = 2.0 ** floor(0.5 * log2(cores_a_channel(flash) * values) + 0.5 + 1e-9)
    if flash.tile_columns > 0.0:
        columns = max(1.0, floor(flash.tile_columns / flash.channels))
    return min(columns, values)


@cost_function
def plane_rate(flash: FlashChiplet, planes: float) -> float:
    """Bytes/s that ``planes`` planes of every die bring to their registers."""
    return flash.channels * cores_a_channel(flash) * planes * flash.page_bytes / flash.read_s


@cost_function
def npu_weight_rate(flash: FlashChiplet, product: Product) -> float:
    """Weight bytes/s that the systolic arrays take for m rows: a tile of weights every max(m, rows) cycles."""
    cells = flash.array_count * flash.array_rows * flash.array_columns
    beats = max(product.m, flash.array_rows) * product.passes
    return cells * product.stored_bytes / beats * flash.npu_clock_hz


@cost_function
def round_of(flash: FlashChiplet, product: Product) -> Round:
    """One round of a product's tile, and what is left of the channels for reads."""
    cores = cores_a_channel(flash)
    columns = tile_shape_columns(flash, product.stored_bytes)
    height = max(1.0, floor(floor(flash.page_bytes / product.stored_bytes) / columns))
    inputs = product.m * columns * product.value_bytes
    outputs = product.m * height * cores * product.value_bytes
    bus = flash.bus_bandwidth_bytes_per_s
    compute_s = product.passes * product.m * columns * height / (flash.core_macs * flash.core_clock_hz)
    seconds = max(max(flash.read_s, compute_s) + inputs / bus, (inputs + outputs) / bus)
    # The share is laid out with the weights, for a bus of slices: without slices it stays.
    read = flash.channels * max(bus - (inputs + outputs) / seconds, 0.0)
    read = min(min(read, plane_rate(flash, flash.planes - 1.0)), flash.d2d_bandwidth_bytes_per_s)
    in_flash = flash.channels * cores * columns * height * product.stored_bytes / seconds
    npu = min(read, npu_weight_rate(flash, product))
    share = in_flash / (in_flash + npu) if flash.split_npu > 0.0 else 1.0
    return Round(columns, height * cores, compute_s, seconds, inputs + outputs, read, share)


@cost_function
def rounds_of_bands(flash: FlashChiplet, tile: Round, k: float, bands: float) -> float:
    """Rounds for ``bands`` bands of tile rows, each k columns wide.

    A band first fills whole rounds, its columns over all channels. The remainder takes a power-of-two group of
    channels, since the channel is a field of bits in the page's address; as many bands as there are groups go side by
    side. Channels of a group without columns idle: this is where a width such as 5120 or 9216 costs time.
    """
    units = ceil(k / tile.columns)
    whole = floor(units / flash.channels)
    rest = units - whole * flash.channels
    rounds = bands * whole
    if rest > 0.0:
        group = 2.0 ** ceil(log2(rest) - 1e-9)
        rounds = rounds + ceil(bands / max(1.0, floor(flash.channels / group)))
    return rounds


@cost_function
def npu_seconds(flash: FlashChiplet, product: Product, rows: float) -> float:
    """Seconds of the systolic arrays for ``rows`` outputs: weight-stationary tiles, spread over the arrays."""
    if rows <= 0.0:
        return 0.0
    tiles = ceil(product.k / flash.array_rows) * ceil(rows / flash.array_columns)
    beats = max(product.m, flash.array_rows) * product.passes
    drain = product.m + 2.0 * flash.array_rows + flash.array_columns - 2.0
    return ((ceil(tiles / flash.array_count) - 1.0) * beats + drain) / flash.npu_clock_hz


@cost_function
def plan_bands(flash: FlashChiplet, product: Product, tile: Round, flash_bands: float) -> Plan:
    """The plan in which the flash computes the first ``flash_bands`` bands of every matrix."""
    rounds = rounds_of_bands(flash, tile, product.k, flash_bands) if flash_bands > 0.0 else 0.0
    npu_rows = max(0.0, product.n - flash_bands * tile.rows)
    row_bytes = product.k * product.stored_bytes
    npu_bytes = npu_rows * row_bytes
    if rounds > 0.0:
        read = tile.read_bandwidth_bytes_per_s
    else:
        all_channels = flash.channels * flash.bus_bandwidth_bytes_per_s
        read = min(min(all_channels, plane_rate(flash, flash.planes)), flash.d2d_bandwidth_bytes_per_s)
    read_s = npu_bytes / read if npu_bytes > 0.0 else 0.0
    flash_s = rounds * tile.seconds
    if flash.bus_slicing == 0.0 and rounds > 0.0:
        read_s = npu_bytes / (flash.channels * flash.bus_bandwidth_bytes_per_s)
        flash_s = flash_s + read_s  # in turns
    return Plan(
        rounds * product.groups,
        (product.n - npu_rows) * row_bytes * product.groups,
        npu_rows * product.groups,
        npu_bytes * product.groups,
        (npu_bytes + rounds * flash.channels * tile.vector_bytes) * product.groups,
        flash_s * product.groups,
        rounds * tile.compute_s * product.groups,
        read_s * product.groups,
        npu_seconds(flash, product, npu_rows) * product.groups,
    )


@cost_function
def plan_seconds(plan: Plan) -> float:
    """Seconds of a plan: flash, plain reads and arrays work at the same time."""
    return max(plan.flash_s, max(plan.read_s, plan.npu_s))


@cost_function
def plan_product(flash: FlashChiplet, product: Product) -> Plan:
    """The plan of a product: the flash's share rounded up to whole bands, or all on the NPU where that is faster.

    A band's pages lie over all cores of a channel, so it is computed on one side. Rounded up, the flash side never
    waits for the NPU.
    """
    tile = round_of(flash, product)
    bands = ceil(product.n / tile.rows)
    plan = plan_bands(flash, product, tile, min(bands, ceil(tile.flash_share * bands - 1e-9)))
    if flash.split_npu > 0.0:
        alone = plan_bands(flash, product, tile, 0.0)
        if plan_seconds(alone) < plan_seconds(plan):
            return alone
    return plan
