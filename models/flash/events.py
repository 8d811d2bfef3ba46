"""The flash chiplet as discrete events: planes, dies, channel buses and the NPU as SimPy processes, slices interleaved.

It replays the plan that the closed form makes (`plan_product`) and shows what the closed form only has on average or
leaves out: slices that keep inputs waiting, results that meet the next inputs, the first array read and the last
result. Where nothing contends both agree exactly but for that end (`tail_s`). Time is whole picoseconds.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple

import simpy

from hwsim.models.flash.record import FlashChiplet
from hwsim.models.flash.tiling import Plan, Product, cores_a_channel, plan_product, round_compute_s, strips_of

PICOSECONDS = 1e12
CORE_TRAFFIC, READS = 0, 1  # inputs and results of the cores pass before waiting slices of plain reads

Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a replay found: seconds in all and of each side, and seconds that each channel was busy."""

    latency_s: float
    flash_s: float
    npu_s: float
    bus_busy_s: tuple[float, ...]
    pages_read: int

    @property
    def bus_use(self) -> float:
        """Share of the time that the channels are busy."""
        return sum(self.bus_busy_s) / len(self.bus_busy_s) / self.latency_s


class Turn(NamedTuple):
    """One round: its columns on a channel and the rows (results) of all cores of a channel."""

    columns: float
    rows: float


def turns(flash: FlashChiplet, product: Product, flash_rows: float) -> list[Turn]:
    """All rounds of one product whose first ``flash_rows`` rows are in the flash, strip by strip."""
    strips = strips_of(flash, product.stored_bytes, product.k)
    shapes = [(strips.columns, strips.rows)] * int(strips.whole)
    if strips.rest:
        shapes.append((strips.rest_columns, strips.rest_rows))
    found = []
    for columns, rows in shapes:
        for first in range(ceil(flash_rows / rows)):
            found.append(Turn(columns, min(rows, flash_rows - first * rows)))
    return found


def tail_s(flash: FlashChiplet, product: Product) -> float:
    """Seconds after the last round that only a replay has: the last page is multiplied, its results cross the bus."""
    outputs = product.m * turns(flash, product, product.n)[-1].rows * product.value_bytes
    return round_compute_s(flash, product) + outputs / flash.bus_bandwidth_bytes_per_s


def replay_product(flash: FlashChiplet, product: Product, plan: Plan | None = None) -> Replay:
    """Replay one product (``groups`` counts as one) with its plan, by default the closed form's."""
    plan = plan_product(flash, product) if plan is None else plan
    return _Chiplet(flash, product._replace(groups=1.0), plan).run()


def _ps(seconds: float) -> int:
    return round(seconds * PICOSECONDS)


class _Chiplet:
    """One replay: the environment, the NPU, and a `_Channel` for each channel."""

    def __init__(self, flash: FlashChiplet, product: Product, plan: Plan) -> None:
        self.flash, self.product, self.plan = flash, product, plan
        self.environment = simpy.Environment()
        self.npu = simpy.Resource(self.environment, capacity=1)
        self.turns = turns(flash, product, product.n - plan.npu_rows)
        pages, channels = ceil(plan.npu_bytes / flash.page_bytes), int(flash.channels)
        self.pages = [pages // channels + (channel < pages % channels) for channel in range(channels)]
        self.page_npu_ps = _ps(
            max(plan.npu_s / max(pages, 1), flash.page_bytes / flash.d2d_bandwidth_bytes_per_s) if pages else 0.0
        )
        self.flash_end = self.npu_end = 0

    def run(self) -> Replay:
        channels = [_Channel(self, pages) for pages in self.pages]
        self.environment.run()
        return Replay(
            latency_s=max(self.flash_end, self.npu_end) / PICOSECONDS,
            flash_s=self.flash_end / PICOSECONDS,
            npu_s=self.npu_end / PICOSECONDS,
            bus_busy_s=tuple(channel.busy / PICOSECONDS for channel in channels),
            pages_read=sum(channel.read for channel in channels),
        )

    def consume(self) -> Process:
        """The NPU takes one page over the die-to-die link and multiplies it."""
        with self.npu.request() as turn:
            yield turn
            yield self.environment.timeout(self.page_npu_ps)
        self.npu_end = max(self.npu_end, int(self.environment.now))


class _Channel:
    """A bus with its dies: one plane of each die feeds the core, the others serve reads."""

    def __init__(self, chiplet: _Chiplet, pages: int) -> None:
        flash = chiplet.flash
        self.chiplet, self.environment = chiplet, chiplet.environment
        self.bus = simpy.PriorityResource(self.environment, capacity=1)
        self.reader = simpy.Resource(self.environment, capacity=1)
        self.dies = int(cores_a_channel(flash))
        self.cores = [simpy.Resource(self.environment, capacity=1) for _ in range(self.dies)]
        bus = flash.bus_bandwidth_bytes_per_s
        self.value_s = chiplet.product.m * chiplet.product.value_bytes / bus  # an input or result of every token
        self.array_ps, self.compute_ps = _ps(flash.read_s), _ps(round_compute_s(flash, chiplet.product))
        self.page_ps, self.slice_ps = _ps(flash.page_bytes / bus), _ps(flash.bus_slice_bytes / bus)
        self.slices = int(flash.page_bytes / flash.bus_slice_bytes)
        self.waiting, self.read, self.busy = pages, 0, 0
        sliced = flash.bus_slicing > 0.0
        if chiplet.turns:
            self.environment.process(self.compute(in_order=not sliced))
        if sliced or not chiplet.turns:
            planes = int(flash.planes) - (1 if chiplet.turns else 0)
            for _ in range(self.dies * planes):
                self.environment.process(self.serve())

    def hold(self, duration: int, priority: int) -> Process:
        """Occupy the bus."""
        with self.bus.request(priority=priority) as turn:
            yield turn
            yield self.environment.timeout(duration)
            self.busy += duration

    def compute(self, in_order: bool) -> Process:
        """All rounds: inputs are broadcast, every die reads its page; cores multiply while the next round begins.

        ``in_order``: without slices a page read goes with every round and crosses the bus whole when the round ends.
        """
        for turn in self.chiplet.turns:
            yield from self.hold(_ps(turn.columns * self.value_s), CORE_TRAFFIC)
            yield self.environment.timeout(self.array_ps)
            yield self.environment.all_of([core.request() for core in self.cores])
            for core in self.cores:
                self.environment.process(self.multiply(core, _ps(turn.rows / self.dies * self.value_s)))
            if in_order and self.waiting:
                yield from self.transfer(1, self.page_ps)
        while in_order and self.waiting:
            yield from self.transfer(1, self.page_ps)

    def multiply(self, core: simpy.Resource, output_ps: int) -> Process:
        """One core multiplies the page in its register and sends its results."""
        yield self.environment.timeout(self.compute_ps)
        core.release(core.users[0])
        yield from self.hold(output_ps, CORE_TRAFFIC)
        self.chiplet.flash_end = max(self.chiplet.flash_end, int(self.environment.now))

    def transfer(self, slices: int, duration: int) -> Process:
        """Send one page to the NPU, slice by slice; one page after the other."""
        self.waiting -= 1
        with self.reader.request() as turn:
            yield turn
            for _ in range(slices):
                yield from self.hold(duration, READS)
        self.read += 1
        self.environment.process(self.chiplet.consume())

    def serve(self) -> Process:
        """One plane serves plain reads: array to register, register over the bus."""
        while self.waiting > 0:
            self.waiting -= 1
            yield self.environment.timeout(self.array_ps)
            self.waiting += 1
            yield from self.transfer(self.slices, self.slice_ps)
