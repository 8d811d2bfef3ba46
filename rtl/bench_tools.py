"""Inside the simulator: drivers, monitors, the checker and the loop that runs a case under a stall pattern.

These run in the Python that the simulator embeds; a job file, named by HWSIM_RTL_JOB, says which kernel, parameters
and seed, and where the record of what was measured goes. Values read right after a rising edge are those from before
the edge, so one loop both samples the transfers of a cycle and sets up the next one.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwsim.models.numerics.handshake import Stalls
from hwsim.rtl.discovery import read_kernel
from hwsim.rtl.record import Case, Kernel

MODES = ("random", "slow_sink", "slow_source", "alternating", "bursts")
STANDARD_BINS = ("free_run", "source_stalled", "sink_stalled", "no_reset_between_cases", "reset_in_the_middle")


class BenchError(AssertionError):
    """What the checker found wrong, as one line."""


class Driver:
    """Offers the beats of one input stream; never withdraws an offer, starts none in a stalled cycle."""

    def __init__(self, dut: Any, name: str) -> None:
        self.name = name
        self._valid = getattr(dut, f"{name}_valid_i")
        self._ready = getattr(dut, f"{name}_ready_o")
        self._data = getattr(dut, f"{name}_data_i")
        self._width = len(self._data)
        self.idle()

    def idle(self) -> None:
        """Offer nothing."""
        self._valid.value = 0
        self._data.value = 0
        self.beats: Sequence[int] = ()
        self.sent, self.offering = 0, False
        self._stalls: Sequence[int] = ()

    def disturb(self, noise: random.Random, *, valid: bool) -> None:
        """Put noise on the data, and offer it or not, during a reset."""
        self._valid.value = int(valid)
        self._data.value = noise.getrandbits(self._width)

    def load(self, beats: Sequence[int], stalls: Sequence[int]) -> None:
        """Take the beats and the stall pattern of a run."""
        self.beats, self._stalls, self.sent, self.offering = beats, stalls, 0, False

    def drive(self, cycle: int, noise: random.Random) -> None:
        """Set valid and data for this cycle; data is noise while nothing is offered."""
        if not self.offering and self.sent < len(self.beats):
            self.offering = not (cycle < len(self._stalls) and self._stalls[cycle])
            if self.offering:
                self._data.value = self.beats[self.sent]
            else:
                self._data.value = noise.getrandbits(self._width)
        elif not self.offering:
            self._data.value = noise.getrandbits(self._width)
        self._valid.value = int(self.offering)

    def sample(self) -> bool:
        """Tell whether the beat offered in the ended cycle was accepted."""
        if self.offering and known(self._ready, f"{self.name}_ready_o"):
            self.sent, self.offering = self.sent + 1, False
            return True
        return False


class Monitor:
    """Takes the beats of one output stream under a stall pattern; valid and data must hold until they are taken."""

    def __init__(self, dut: Any, name: str) -> None:
        self.name = name
        self._valid = getattr(dut, f"{name}_valid_o")
        self._ready = getattr(dut, f"{name}_ready_i")
        self._data = getattr(dut, f"{name}_data_o")
        self.load(())

    def load(self, stalls: Sequence[int], *, ready: bool = False) -> None:
        """Take the stall pattern of a run and forget the beats of the last one; ready as given until it starts."""
        self.beats: list[int] = []
        self._stalls, self._taking, self._held = stalls, False, -1
        self._ready.value = int(ready)

    def drive(self, cycle: int) -> None:
        """Set ready for this cycle."""
        self._taking = not (cycle < len(self._stalls) and self._stalls[cycle])
        self._ready.value = int(self._taking)

    def sample(self) -> bool:
        """Tell whether a beat was transferred in the ended cycle."""
        valid = known(self._valid, f"{self.name}_valid_o")
        if not valid and self._held >= 0:
            raise BenchError(f"{self.name}_valid_o fell before the beat was taken")
        if not valid:
            return False
        data = known(self._data, f"{self.name}_data_o")
        if self._held >= 0 and data != self._held:
            raise BenchError(f"{self.name}_data_o changed from {self._held:#x} to {data:#x} before it was taken")
        self._held = -1 if self._taking else data
        if self._taking:
            self.beats.append(data)
        return self._taking


class Model:
    """What a case must send and receive, from the golden model, and how long it must take, from the cycle model."""

    def __init__(self, kernel: Kernel, parameters: Mapping[str, int]) -> None:
        self.kernel, self.parameters = kernel, dict(parameters)
        self._done: dict[int, tuple[dict[str, list[int]], dict[str, list[int]]]] = {}

    def beats(self, case: Case) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        """Beats of the input streams and of the output streams."""
        if id(case) not in self._done:
            outputs = self.kernel.golden(case.inputs, **self.parameters)
            self._done[id(case)] = (
                self.kernel.pack(case.inputs, **self.parameters),
                self.kernel.pack_results(case.inputs, outputs, **self.parameters),
            )
        return self._done[id(case)]

    def cycles(self, case: Case, stalls: Stalls) -> int:
        """Cycles from the first accepted beat to the last result."""
        return self.kernel.cycles(case.shape, stalls, **self.parameters)

    def schedule(self, case: Case, stalls: Stalls) -> list[int] | None:
        """Cycle of every result after the first accepted beat, where the kernel tells them."""
        if self.kernel.schedule is None:
            return None
        return list(self.kernel.schedule(case.shape, stalls, **self.parameters))


def known(handle: Any, name: str) -> int:
    """Value of a signal, or a clear error when a bit of it is X or Z."""
    try:
        return int(handle.value)
    except ValueError:
        raise BenchError(f"{name} is not a known value: {handle.value}") from None


def stall_pattern(mode: str, kernel: Kernel, length: int, generator: random.Random) -> dict[str, list[int]]:
    """A stall pattern of a mode, one flag a cycle for every stream; ``free`` stalls nothing."""

    def flags(density: float) -> list[int]:
        return [int(generator.random() < density) for _ in range(length)]

    if mode == "free":
        return {}
    if mode == "slow_sink":
        burst = generator.randrange(1, 40)
        return {name: ([1] * burst + flags(0.75))[:length] for name in kernel.outputs}
    if mode == "slow_source":
        slow = generator.choice(kernel.inputs)
        return {slow: flags(0.8)}
    if mode == "alternating":
        return {name: [(cycle + index) % 2 for cycle in range(length)] for index, name in enumerate(_streams(kernel))}
    if mode == "bursts":
        return {name: _bursts(length, generator) for name in _streams(kernel)}
    return {name: flags(generator.choice((0.1, 0.3, 0.5, 0.7))) for name in _streams(kernel)}


def _streams(kernel: Kernel) -> list[str]:
    return [*kernel.inputs, *kernel.outputs]


def _bursts(length: int, generator: random.Random) -> list[int]:
    found: list[int] = []
    while len(found) < length:
        found += [len(found) % 2] * generator.randrange(1, 12)
    return found[:length]


class Bench:
    """A kernel under test: runs cases, compares beats and cycles, counts the coverage, writes the record."""

    def __init__(self, dut: Any) -> None:
        self.job = json.loads(Path(os.environ["HWSIM_RTL_JOB"]).read_text())
        self.kernel = read_kernel(self.job["kernel"])
        self.model = Model(self.kernel, self.job["parameters"])
        self.seed = int(self.job["seed"])
        self.random = random.Random(self.seed)
        self.dut = dut
        self._record = Path(self.job["record"])
        self.record: dict[str, Any] = {"runs": [], "failures": [], "bins": {}, "finished": []}
        if self._record.exists():
            self.record = json.loads(self._record.read_text())
        self.bins: Counter[str] = Counter(self.record["bins"])
        self.drivers = [Driver(dut, name) for name in self.kernel.inputs]
        self.monitors = [Monitor(dut, name) for name in self.kernel.outputs]

    def cases(self) -> list[Case]:
        """The stimulus of this seed."""
        return list(self.kernel.cases(random.Random(self.seed), **self.model.parameters))

    def save(self, finished: str) -> None:
        """Write the record; a bench that ends without its name in it did not end by itself."""
        self.record["bins"] = dict(self.bins)
        self.record["finished"].append(finished)
        self._record.write_text(json.dumps(self.record))

    async def start(self) -> None:
        """Start the clock and reset."""
        Clock(self.dut.clk_i, 10, unit="ns").start()
        await self.reset()

    async def reset(self) -> None:
        """Hold reset for two edges, with noise on every stream: what is offered or taken in a reset must not matter."""
        self.dut.rst_i.value = 1
        for edge in range(2):
            for driver in self.drivers:
                driver.disturb(self.random, valid=edge == 1)
            for monitor in self.monitors:
                monitor.load((), ready=bool(self.random.getrandbits(1)))
            await RisingEdge(self.dut.clk_i)
        for driver in self.drivers:
            driver.idle()
        for monitor in self.monitors:
            monitor.load(())
        self.dut.rst_i.value = 0

    async def run(self, case: Case, mode: str, *, cut_at: int = 0) -> None:
        """Run a case under a stall mode and check it; ``cut_at`` > 0 leaves after that many cycles, unchecked."""
        sent, expected = self.model.beats(case)
        free = self.model.cycles(case, {})
        stalls = stall_pattern(mode, self.kernel, 3 * free + 40, self.random)
        predicted = self.model.cycles(case, stalls)
        for driver in self.drivers:
            driver.load(sent[driver.name], stalls.get(driver.name, ()))
        for monitor in self.monitors:
            monitor.load(stalls.get(monitor.name, ()))
        limit = cut_at or 2 * predicted + len(stalls and next(iter(stalls.values()))) + 100
        first, cycle = -1, 0
        results: list[int] = []  # cycles in which a result was taken
        remaining = {name: len(beats) for name, beats in expected.items()}
        while cycle < limit and any(remaining.values()):
            accepted, taken = await self._cycle(cycle)
            first = cycle if accepted and first < 0 else first
            for monitor, was_taken in zip(self.monitors, taken, strict=True):
                remaining[monitor.name] -= was_taken
                results += [cycle] * was_taken
            cycle += 1
        if cut_at:
            return
        if any(remaining.values()):
            raise BenchError(self._hang(limit, sent, expected))
        self._compare(expected)
        await self._quiet(cycle)
        self._note(case, mode, predicted, results[-1] - first + 1)
        scheduled = self.model.schedule(case, stalls)
        came = [taken_at - first for taken_at in results]
        if scheduled is not None and came != scheduled:
            raise BenchError(f"results came {came[:4]}... cycles after the first beat, cycle model {scheduled[:4]}...")

    async def _cycle(self, cycle: int) -> tuple[bool, list[bool]]:
        for driver in self.drivers:
            driver.drive(cycle, self.random)
        for monitor in self.monitors:
            monitor.drive(cycle)
        await RisingEdge(self.dut.clk_i)
        accepted = [driver.sample() for driver in self.drivers]
        return any(accepted), [monitor.sample() for monitor in self.monitors]

    async def _quiet(self, cycle: int) -> None:
        """After the last result: every beat was accepted and no more results come."""
        counts = [len(monitor.beats) for monitor in self.monitors]
        for extra in range(4):
            await self._cycle(cycle + extra + 10**6)
        for driver in self.drivers:
            if driver.sent < len(driver.beats):
                raise BenchError(f"{driver.name}: {len(driver.beats) - driver.sent} beats were never accepted")
        for monitor, count in zip(self.monitors, counts, strict=True):
            if len(monitor.beats) != count:
                raise BenchError(f"{monitor.name}: a beat more than the {count} expected")

    def _hang(self, limit: int, sent: Mapping[str, Sequence[int]], expected: Mapping[str, Sequence[int]]) -> str:
        accepted = ", ".join(f"{driver.name} {driver.sent}/{len(sent[driver.name])}" for driver in self.drivers)
        got = ", ".join(f"{one.name} {len(one.beats)}/{len(expected[one.name])}" for one in self.monitors)
        return f"hangs: cycle limit {limit} reached with accepted {accepted}; results {got}"

    def _compare(self, expected: Mapping[str, Sequence[int]]) -> None:
        for monitor in self.monitors:
            for beat, (got, right) in enumerate(zip(monitor.beats, expected[monitor.name], strict=True)):
                if got != right:
                    raise BenchError(f"{monitor.name} beat {beat}: got {got:#x}, golden model {right:#x}")

    def _note(self, case: Case, mode: str, predicted: int, measured: int) -> None:
        self.record["runs"].append({"case": case.name, "mode": mode, "predicted": predicted, "measured": measured})
        self.bins.update(case.bins)
        if mode == "free":
            self.bins["free_run"] += 1
        if mode in ("random", "slow_source", "alternating", "bursts"):
            self.bins["source_stalled"] += 1
        if mode in ("random", "slow_sink", "alternating", "bursts"):
            self.bins["sink_stalled"] += 1
        if predicted != measured:
            raise BenchError(f"{measured} cycles measured, cycle model {predicted}")

    async def checked(self, case: Case, mode: str) -> bool:
        """Run a case; note what is wrong with the case, mode and seed, reset after it, tell whether it passed."""
        try:
            await self.run(case, mode)
        except BenchError as error:
            self.record["failures"].append(f"{case.name}, {mode} stalls, seed {self.seed}: {error}")
            await self.reset()
            return False
        return True
