"""The cocotb tests that every kernel passes; a kernel's own bench.py imports these and may add to them."""

from __future__ import annotations

from typing import Any

import cocotb

from hwsim.rtl.bench_tools import MODES, Bench, BenchError

FAILURES_SHOWN = 5


@cocotb.test()
async def beats_and_cycles_equal_the_models(dut: Any) -> None:
    """Every case free and under a stall mode, with no reset between them, then the other modes on the first cases.

    A kernel that loads or clears memories after a reset gets one before each case; its cases of two runs count instead.
    """
    bench = Bench(dut)
    await bench.start()
    cases = bench.cases()
    shown = 1 if bench.job["stop_at_first"] else FAILURES_SHOWN
    inner = bench.kernel.loads_after_reset
    runs = [(case, mode) for index, case in enumerate(cases) for mode in ("free", MODES[index % len(MODES)])]
    runs += [(cases[index % len(cases)], MODES[index]) for index in range(len(MODES)) if index >= len(cases)]
    for case, mode in runs:
        if len(bench.record["failures"]) >= shown:
            break
        if inner:
            await bench.reset()
        await bench.checked(case, mode)
        bench.bins["no_reset_between_cases"] += not inner or inner in case.bins
    bench.save("beats_and_cycles_equal_the_models")


@cocotb.test()
async def a_reset_in_the_middle_leaves_nothing_behind(dut: Any) -> None:
    """Cut runs of a long case at several cycles by a reset; the run after it must be as after power-up."""
    bench = Bench(dut)
    await bench.start()
    cases = sorted(bench.cases(), key=lambda case: bench.model.cycles(case, {}))
    case = cases[-1] if bench.kernel.loads_after_reset else cases[len(cases) // 2]
    for part, mode in ((0.1, "free"), (0.3, "random"), (0.6, "slow_sink"), (0.95, "free")):
        cut = max(1, round(part * bench.model.cycles(case, {})))
        try:
            await bench.run(case, mode, cut_at=cut)
        except BenchError as error:
            bench.record["failures"].append(f"{case.name}, before a reset, seed {bench.seed}: {error}")
        await bench.reset()
        await bench.checked(case, "free")
        await bench.reset()
        bench.bins["reset_in_the_middle"] += 1
    bench.save("a_reset_in_the_middle_leaves_nothing_behind")
