"""Convolution on a row-stationary array (Eyeriss): how filter rows and output rows fold onto the PEs, passes, traffic.

A processing element (PE) keeps a filter row and slides an input row over it. A set of R x e PEs, R the filter's rows,
makes e output rows; sets that are free take t groups of p filters or r groups of q channels. A pass covers p t filters,
q r channels, e output rows and n images; its partial sums come from the global buffer and go back to it, whose m
filters share an input read from main memory once. See docs/methods/npu.md.

Source: Chen et al., Eyeriss, JSSC 2017, doi 10.1109/JSSC.2016.2616357.
"""

from __future__ import annotations

from math import ceil, floor
from typing import NamedTuple

from hwsim.cost import cost_function
from hwsim.models.npu.matmul import kernel_cost, matmul, memory_rate
from hwsim.models.npu.record import Npu
from hwsim.rows import OperatorCost, OperatorRow

WORD_BYTES = 2.0
FILTERS_A_PE = 16.0  # filters that one PE interleaves at most: a power of two within its sums
LARGEST_GROUP = 96.0  # filters whose sums the buffer holds at once
MOST_IMAGES = 16.0  # images tried at once
BUSY_ENOUGH = 0.9  # a mapping with this share of the most active PEs may be taken for its lower traffic
NEAR = 0.05  # mappings whose fetches differ by less are told apart by the filters of a pass, then by cycles
CODED_BITS = 64.0 / 3.0  # run-length code: three pairs of a 5-bit run and a 16-bit value in 64 bits
GATED = 1.0  # share of a multiply-add's energy that a zero input saves: neither filter read nor multiply [section V]


class Mapping(NamedTuple):
    """One way to run a convolution: sizes as in the module's docstring, and what it costs."""

    filters: float  # p t
    channels: float  # q r
    strip: float  # e
    images: float  # n
    group: float  # m
    active: float  # PEs
    cycles: float
    dram_bytes: float
    exposed_bytes: float  # inputs and outputs, which wait for the buffer; filters are fetched ahead
    buffer_bytes: float
    fetched_bytes: float  # inputs and filters before coding: what the choice goes by


@cost_function
def coded_share(zero_share: float) -> float:
    """Bytes of a run-length coded map over its plain bytes; never more than plain."""
    return min(1.0, (1.0 - zero_share) * CODED_BITS / (8.0 * WORD_BYTES))


@cost_function
def sets_on_array(npu: Npu, filter_rows: float, strip: float) -> float:
    """Sets of filter_rows x strip PEs that the array holds; a strip wider than the array is folded onto more rows."""
    stacked = floor(npu.array_rows / min(filter_rows, npu.array_rows))
    folded = ceil(strip / npu.array_columns)
    return floor(stacked / folded) * max(1.0, floor(npu.array_columns / strip))


@cost_function
def mapped(
    npu: Npu, row: OperatorRow, strip: float, images: float, group: float, sets: float, beside: float
) -> Mapping:
    """Cost of one mapping: ``beside`` sets work on other filters (t), the rest of the ``sets`` on other channels (r).

    A mapping that the buffers do not hold has endless cycles.
    """
    channels = row.k / (row.filter_rows * row.filter_columns)  # of one group
    folds = ceil(row.filter_rows / npu.array_rows)
    p = max(1.0, min(FILTERS_A_PE, floor(group / beside)))
    q = max(1.0, min(floor(npu.local_input_words / row.filter_columns), channels))
    while q > 1.0 and p * q * row.filter_columns > npu.local_filter_words:
        q = q - 1.0
    spread = float(floor(sets / beside))
    stored_rows = min(row.input_rows, row.output_rows * row.stride)  # the border of zeros is not stored
    stored_columns = min(row.input_columns, row.output_columns * row.stride)
    halo = min(strip * row.stride + max(0.0, row.filter_rows - row.stride), stored_rows)
    sums = images * group * strip * row.output_columns * WORD_BYTES
    plane = halo * stored_columns * WORD_BYTES
    space = npu.sram_bytes - npu.filter_buffer_bytes - sums
    # The next image's channels are fetched while these are used, unless there is room for one channel only.
    together = min(q * spread, channels)
    while together > 1.0 and (images + 1.0) * together * plane > space:
        together = together - 1.0
    q = min(q, together)
    spread = max(1.0, floor(together / q))
    together = q * spread
    fits = images * plane <= space and group % (beside * p) == 0.0
    filters = p * beside
    strips = row.output_rows / strip
    rounds = ceil(channels / together) * folds
    passes = row.batch * ceil(row.n / filters) * rounds * (row.images / images)
    macs = images * p * q * row.filter_columns * row.output_columns
    moved = images * filters * strip * row.output_columns / npu.bus_words
    loaded = filters * together * row.filter_rows * row.filter_columns / npu.bus_words
    cycles = passes * (max(macs * ceil(strips), moved * strips) + loaded * ceil(strips))
    inputs = row.images * row.batch * channels * stored_rows * stored_columns * WORD_BYTES
    inputs = inputs * max(1.0, halo * strips / stored_rows)
    outputs = row.m * row.batch * row.n * WORD_BYTES
    weights = row.batch * row.n * row.k * WORD_BYTES * ceil(strips) * (row.images / images)
    exposed = coded_share(npu.zero_share) * inputs * ceil(row.n / group) + coded_share(npu.output_zero_share) * outputs
    buffered = (2.0 * rounds - 1.0) * outputs + inputs * ceil(row.n / filters)
    active = min(row.filter_rows, npu.array_rows) * strip * beside * spread
    return Mapping(
        filters,
        together,
        strip,
        images,
        group,
        active,
        cycles if fits else 1e300,
        exposed + weights,
        exposed,
        buffered,
        inputs * ceil(row.n / group) + weights,
    )


@cost_function
def better(one: Mapping, other: Mapping, least_active: float) -> bool:
    """Tell whether ``one`` is to be taken: enough active PEs, fewer fetches, more filters a pass, fewer cycles.

    With ``least_active`` 0 the one with more active PEs is.
    """
    if one.cycles >= 1e300:
        return False
    if least_active == 0.0:
        return one.active > other.active
    if one.active < least_active:
        return False
    if one.fetched_bytes < (1.0 - NEAR) * other.fetched_bytes:
        return True
    if one.fetched_bytes > (1.0 + NEAR) * other.fetched_bytes or one.filters < other.filters:
        return False
    return one.filters > other.filters or one.cycles < other.cycles


@cost_function
def group_search(npu: Npu, row: OperatorRow, strip: float, images: float, least_active: float) -> Mapping:
    """The best mapping of one strip length and number of images, over the groups of filters and the splits of sets."""
    best = Mapping(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1e300, 0.0, 0.0, 0.0, 1e300)
    sets = sets_on_array(npu, row.filter_rows, strip)
    divisor = float(ceil(row.n / LARGEST_GROUP))
    while divisor <= row.n:
        if row.n % divisor == 0.0:
            beside = max(1.0, floor(npu.array_columns / strip))  # sums of sets are added down the columns only
            while beside <= sets:
                tried = mapped(npu, row, strip, images, row.n / divisor, sets, beside)
                if better(tried, best, least_active):
                    best = tried
                beside = 2.0 * beside
        divisor = divisor + 1.0
    return best


@cost_function
def search(npu: Npu, row: OperatorRow, least_active: float) -> Mapping:
    """The best mapping over strips of every length and every number of images that divides the batch."""
    best = Mapping(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1e300, 0.0, 0.0, 0.0, 1e300)
    stacked = floor(npu.array_rows / min(row.filter_rows, npu.array_rows))
    longest = min(row.output_rows, stacked * npu.array_columns)
    strip = 1.0
    while strip <= longest:
        # A strip folded onto more rows pays only when it is the whole plane.
        images = 1.0 if strip <= npu.array_columns or strip == row.output_rows else 1e9
        while images <= min(row.images, MOST_IMAGES):
            if row.images % images == 0.0 and (images == 1.0 or strip == row.output_rows):
                tried = group_search(npu, row, strip, images, least_active)
                if better(tried, best, least_active):
                    best = tried
            images = images + 1.0
        strip = strip + 1.0
    return best


@cost_function
def best_mapping(npu: Npu, row: OperatorRow) -> Mapping:
    """The mapping that fetches least from DRAM among those that keep the array nearly as busy as any does."""
    busiest = search(npu, row, 0.0)
    return search(npu, row, BUSY_ENOUGH * busiest.active)


@cost_function
def convolution(npu: Npu, row: OperatorRow) -> OperatorCost:
    """Cost of a convolution: the passes, then the traffic of inputs and outputs that the full buffer cannot hide.

    A layer of which not even one row fits the buffer runs as a matrix product.
    """
    best = best_mapping(npu, row)
    if best.cycles >= 1e300:
        return matmul(npu, row)
    busy_s = best.cycles / npu.clock_hz
    exposed = best.exposed_bytes / memory_rate(npu)
    dynamic = (
        row.flops * npu.energy_16bit_j * (1.0 - GATED * npu.zero_share)
        + best.buffer_bytes * npu.energy_sram_byte_j
        + best.dram_bytes * npu.energy_memory_byte_j
    )
    return kernel_cost(npu, busy_s, best.dram_bytes / memory_rate(npu), 0.0, npu.fixed_s + exposed, dynamic)
