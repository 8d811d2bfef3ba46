"""The cocotb side of `hwsim.rtl.streams`: drives sources that hold what they offer, a sink, and records.

A case: ``inputs`` (words by stream), ``results`` (how many end it), ``stalls`` (repeating 0/1 by stream, ``y`` the
sink's), ``limit`` (cycles after which it ends anyway). Cycle 0 is the first with the reset low.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge


class Source:
    """Offers its next word in a cycle where the pattern is 1 and holds it until it is taken."""

    def __init__(self, dut: Any, name: str, words: list[int], pattern: list[int]) -> None:
        self._valid = getattr(dut, f"{name}_valid_i")
        self._ready = getattr(dut, f"{name}_ready_o")
        self._data = getattr(dut, f"{name}_data_i")
        self._words = words
        self._pattern = pattern
        self._offered = False
        self._width = len(self._data)
        self._noise = random.Random(name)
        self.accepted: list[int] = []

    def idle(self) -> None:
        self._valid.value = 0
        self._data.value = 0

    def drive(self, cycle: int) -> None:
        left = len(self.accepted) < len(self._words)
        if not self._offered and left and self._pattern[cycle % len(self._pattern)]:
            self._offered = True
            self._data.value = self._words[len(self.accepted)]
        elif not self._offered:  # what is not offered must not matter
            self._data.value = self._noise.getrandbits(self._width)
        self._valid.value = int(self._offered)

    def sample(self, cycle: int) -> None:
        if self._offered and int(self._ready.value):
            self.accepted.append(cycle)
            self._offered = False


class Sink:
    """Takes a result in a cycle where the pattern is 1; a waiting result must neither change nor go away."""

    def __init__(self, dut: Any, pattern: list[int]) -> None:
        self._dut = dut
        self._pattern = pattern
        self._ready = 0
        self._waiting: int | None = None
        self.results: list[tuple[int, int]] = []
        self.violations: list[str] = []

    def drive(self, cycle: int) -> None:
        self._ready = self._pattern[cycle % len(self._pattern)]
        self._dut.y_ready_i.value = self._ready

    def sample(self, cycle: int) -> None:
        word = int(self._dut.y_data_o.value) if int(self._dut.y_valid_o.value) else None
        if self._waiting is not None and word != self._waiting:
            self.violations.append(f"a waiting result changed or went away in cycle {cycle}")
        self._waiting = None if self._ready else word
        if word is not None and self._ready:
            self.results.append((cycle, word))


async def _play(dut: Any, case: dict[str, Any]) -> dict[str, Any]:
    stalls = case["stalls"]
    sources = {name: Source(dut, name, words, stalls[name]) for name, words in case["inputs"].items()}
    sink = Sink(dut, stalls["y"])
    dut.rst_i.value = 1
    dut.y_ready_i.value = 0
    for source in sources.values():
        source.idle()
    await RisingEdge(dut.clk_i)
    await RisingEdge(dut.clk_i)
    dut.rst_i.value = 0
    drivers: list[Source | Sink] = [*sources.values(), sink]
    for cycle in range(case["limit"]):
        for driver in drivers:
            driver.drive(cycle)
        await RisingEdge(dut.clk_i)
        for driver in drivers:
            driver.sample(cycle)
        if len(sink.results) >= case["results"]:
            break
    accepted = {name: source.accepted for name, source in sources.items()}
    return {"accepted": accepted, "results": sink.results, "violations": sink.violations}


@cocotb.test()
async def play_the_job(dut: Any) -> None:
    """Play the cases of the file HWSIM_STREAM_JOB and write what was seen beside it."""
    Clock(dut.clk_i, 10, unit="ns").start()
    job = Path(os.environ["HWSIM_STREAM_JOB"])
    answer = [await _play(dut, case) for case in json.loads(job.read_text())]
    job.with_name(job.name + ".out").write_text(json.dumps(answer))
