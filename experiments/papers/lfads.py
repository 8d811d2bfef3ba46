"""LFADS on an Alveo U55C: a small recurrent network unrolled on the chip, one trial at a time."""

from __future__ import annotations

import hwsim
from hwsim.experiments.reproduction import Row

TITLE = "LFADS on FPGA (arXiv 2402.04274)"


#: The clock of the final build is not published; neither figure can judge the model.
CLOCKS = {
    "250 MHz": "clock and cycles a step are assumptions that together meet the published figure, so it is context",
    "200 MHz": "the target clock of the tool run",
}


def rows() -> list[Row]:
    """The published latency of a trial at an assumed clock, and at the clock that the tool run aimed at."""
    found = []
    for clock, note in CLOCKS.items():
        device = hwsim.device("lfads-u55c", clock=clock)
        result = hwsim.simulate("lfads", on=device, phase="forward")
        found.append(
            Row(
                system="lfads", case=f"one trial at {clock}", metric="latency", unit="us",
                given={"clock": clock, "steps": 73, "channels": 70, "reuse_factor": "inputs of each matrix"},
                predicted=result.latency_s * 1e6, published="41.97", judged=False,
                source="arXiv 2402.04274, abstract", note=note,
            )
        )  # fmt: skip
    return found
