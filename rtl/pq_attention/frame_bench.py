"""The standard tests for a kernel that clears its memories after a reset: a reset stands before every case.

Two heads inside a case follow without one, and count as the runs with no reset between them.
"""

from __future__ import annotations

from typing import Any

import cocotb

from hwsim.rtl.bench_tools import MODES, Bench
from hwsim.rtl.standard_bench import FAILURES_SHOWN


@cocotb.test()
async def beats_and_cycles_equal_the_models(dut: Any) -> None:
    """Every case free and under a stall mode; the bins are cleared anew for each."""
    bench = Bench(dut)
    await bench.start()
    shown = 1 if bench.job["stop_at_first"] else FAILURES_SHOWN
    cases = bench.cases()
    runs = [(case, mode) for index, case in enumerate(cases) for mode in ("free", MODES[index % len(MODES)])]
    for case, mode in runs:
        if len(bench.record["failures"]) >= shown:
            break
        await bench.reset()
        await bench.checked(case, mode)
        bench.bins["no_reset_between_cases"] += "second_head" in case.bins
    bench.save("beats_and_cycles_equal_the_models")


@cocotb.test()
async def a_reset_in_the_middle_leaves_nothing_behind(dut: Any) -> None:
    """Cut a run by a reset while the table is built, while weights are summed, and near the end."""
    bench = Bench(dut)
    await bench.start()
    case = max(bench.cases(), key=lambda case: bench.model.cycles(case, {}))
    for part in (0.3, 0.6, 0.95):
        await bench.reset()
        await bench.run(case, "free", cut_at=max(1, round(part * bench.model.cycles(case, {}))))
        await bench.reset()
        await bench.checked(case, "free")
        bench.bins["reset_in_the_middle"] += 1
    bench.save("a_reset_in_the_middle_leaves_nothing_behind")
