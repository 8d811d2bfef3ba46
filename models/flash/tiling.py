"""How a weight matrix is tiled over flash cores and NPU: strips of columns, rounds of rows, the share of each side.

In a round every core works on one page. A page holds a block of the matrix whose width is a power of two (columns and
rows are fields of a weight's address). The columns are cut over the channels, the rows over the cores of a channel.
See docs/methods/flash.md for the derivation and its check.
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


class Strips(NamedTuple):
    """A matrix's columns: whole strips of the tile's width and one narrower; widths of one channel, rows of a round."""

    whole: float
    columns: float
    rows: float
    rest: float  # 1: a narrower strip follows, 0: none
    rest_columns: float
    rest_rows: float


class Plan(NamedTuple):
    """How one product runs: rounds on the flash, bytes of both sides, bytes on buses, seconds of each side."""

    rounds: float
    flash_bytes: float
    npu_rows: float
    npu_bytes: float
    bus_bytes: float  # of all channels: plain reads, inputs and results of the cores
    flash_s: float
    compute_s: float  # of the cores, inside flash_s
    channel_s: float  # plain reads, inputs and results on the channels
    link_s: float  # plain reads out of their planes and over the die-to-die link
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
def tile_columns(flash: FlashChiplet, stored_bytes: float) -> float:
    """Columns of a tile on one channel: the power of two nearest to the square root of what its cores hold.

    Inputs (columns) and results (rows) of a round cross the channel once, so their sum is smallest for a square. Of
    two powers of two that are equally near, the wider has fewer results, which are partial sums and the wider values.
    """
    values = floor(flash.page_bytes / stored_bytes)
    columns = 2.0 ** floor(0.5 * log2(cores_a_channel(flash) * values) + 0.5)
    if flash.tile_columns > 0.0:
        columns = max(1.0, floor(flash.tile_columns / flash.channels))
    return min(columns, values)


@cost_function
def plane_rate(flash: FlashChiplet, planes: float) -> float:
    """Bytes/s that ``planes`` planes of every die bring to their registers."""
    return flash.channels * cores_a_channel(flash) * planes * flash.page_bytes / flash.read_s


@cost_function
def page_rate(flash: FlashChiplet, planes: float) -> float:
    """Bytes/s of plain reads from ``planes`` planes a die to the NPU: a page stays in its register until it crossed."""
    turn_s = flash.read_s + flash.page_bytes / flash.bus_bandwidth_bytes_per_s
    pages = flash.channels * cores_a_channel(flash) * planes / turn_s
    return min(pages * flash.page_bytes, flash.d2d_bandwidth_bytes_per_s)


@cost_function
def strips_of(flash: FlashChiplet, stored_bytes: float, k: float) -> Strips:
    """Cut ``k`` columns into strips, each spread over all channels.

    What is left after the whole strips is spread as well: its block is the narrowest power of two that holds a
    channel's share, and taller for it. Columns between the share and that power of two are padding: this is where a
    width such as 5120 or 9216 costs time.
    """
    values, cores = floor(flash.page_bytes / stored_bytes), cores_a_channel(flash)
    columns = tile_columns(flash, stored_bytes)
    whole = floor(k / (columns * flash.channels))
    share = (k - whole * columns * flash.channels) / flash.channels
    narrow = min(columns, 2.0 ** ceil(log2(max(share, 1.0))))
    return Strips(
        whole,
        columns,
        floor(values / columns) * cores,
        1.0 if share > 0.0 else 0.0,
        narrow,
        floor(values / narrow) * cores,
    )


@cost_function
def round_compute_s(flash: FlashChiplet, product: Product) -> float:
    """Seconds that a core multiplies a page of weights with the inputs of m tokens."""
    values = floor(flash.page_bytes / product.stored_bytes)
    return product.passes * product.m * values / (flash.core_macs * flash.core_clock_hz)


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
def slice_wait_s(flash: FlashChiplet) -> float:
    """Mean wait of a round's inputs while reads fill the channel: half of the slice that is crossing it."""
    return 0.5 * flash.bus_slice_bytes / flash.bus_bandwidth_bytes_per_s


@cost_function
def plan_bands(flash: FlashChiplet, product: Product, strips: Strips, bands: float, slicing: float) -> Plan:
    """The plan in which the flash computes the first ``bands`` times a tile's rows, the NPU the others.

    A round's inputs cross the channel, then the array is read; meanwhile the cores multiply the page before. Plain
    reads take what is left of the channels, of the planes that feed no core (two planes a die at least), and of the
    link. Without slices they and the rounds take turns.
    """
    rows = min(product.n, bands * strips.rows)
    whole = strips.whole * ceil(rows / strips.rows)
    rest = strips.rest * ceil(rows / strips.rest_rows)
    rounds = whole + rest
    npu_rows = product.n - rows
    npu_bytes = npu_rows * product.k * product.stored_bytes
    bus = flash.bus_bandwidth_bytes_per_s
    column_s = product.m * product.value_bytes / bus
    inputs = product.m * (whole * strips.columns + rest * strips.rest_columns) * product.value_bytes
    outputs = product.m * rows * (strips.whole + strips.rest) * product.value_bytes
    compute_s = round_compute_s(flash, product)
    start_s = flash.read_s
    channel_s = npu_bytes / flash.channels / bus
    planes = flash.planes
    both = rounds > 0.0 and npu_bytes > 0.0
    if both and slicing > 0.0:
        start_s = start_s + slice_wait_s(flash)
        channel_s = channel_s + (inputs + outputs) / bus
        planes = flash.planes - 1.0
    whole_s = whole * max(start_s + strips.columns * column_s, compute_s)
    rest_s = rest * max(start_s + strips.rest_columns * column_s, compute_s)
    flash_s = max(whole_s + rest_s, (inputs + outputs) / bus)
    link_s = npu_bytes / page_rate(flash, planes)
    if both and slicing == 0.0:
        flash_s = flash_s + max(channel_s, link_s)
    return Plan(
        rounds * product.groups,
        rows * product.k * product.stored_bytes * product.groups,
        npu_rows * product.groups,
        npu_bytes * product.groups,
        (npu_bytes + flash.channels * (inputs + outputs)) * product.groups,
        flash_s * product.groups,
        rounds * compute_s * product.groups,
        channel_s * product.groups,
        link_s * product.groups,
        npu_seconds(flash, product, npu_rows) * product.groups,
    )


@cost_function
def plan_seconds(plan: Plan) -> float:
    """Seconds of a plan: flash, plain reads and arrays work at the same time."""
    return max(max(plan.flash_s, plan.npu_s), max(plan.channel_s, plan.link_s))


@cost_function
def flash_bands(flash: FlashChiplet, product: Product, strips: Strips) -> float:
    """Bands of the flash so that both sides end together: of all shares in whole tiles' rows the one that ends first.

    With more bands the flash ends later and the NPU earlier, so the best is where they cross, or one side alone. With
    many tokens inputs and results fill the channels more than the weights would: then the channels, too, end later
    with more bands.
    """
    bands = 1.0 * ceil(product.n / strips.rows)
    if flash.split_npu == 0.0:
        return bands
    all_flash = plan_bands(flash, product, strips, bands, 1.0)
    crowded = all_flash.bus_bytes > all_flash.flash_bytes
    few, many = 0.0, bands  # the flash ends before the NPU with few, not with many
    if flash.planes < 2.0:  # a plane that feeds a core serves no reads: one side alone
        few = bands
    while many - few > 1.0:
        middle = 1.0 * floor((few + many) / 2.0)
        plan = plan_bands(flash, product, strips, middle, 1.0)
        later, sooner = plan.flash_s, max(plan.link_s, plan.npu_s)  # with more bands
        if crowded:
            later = max(later, plan.channel_s)
        else:
            sooner = max(sooner, plan.channel_s)
        if later < sooner:
            few = middle
        else:
            many = middle
    best, best_s = bands, plan_seconds(all_flash)
    for index in range(3):
        tried = 0.0 if index == 0 else (few if index == 1 else many)
        seconds = plan_seconds(plan_bands(flash, product, strips, tried, 1.0))
        if seconds < best_s:
            best, best_s = tried, seconds
    return best


@cost_function
def plan_product(flash: FlashChiplet, product: Product) -> Plan:
    """The plan of a product. Weights are laid out once, for a bus with slices: without slices the shares stay."""
    strips = strips_of(flash, product.stored_bytes, product.k)
    return plan_bands(flash, product, strips, flash_bands(flash, product, strips), flash.bus_slicing)
