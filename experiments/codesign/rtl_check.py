"""The chosen array in RTL: its bench at exactly these parameters, its synthesis, both against the models."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import hwsim
from hwsim.engine.analytic import phase_graph
from hwsim.errors import MissingExtraError
from hwsim.experiments.codesign.network_tile import verified_tile
from hwsim.experiments.codesign.search import Task
from hwsim.experiments.codesign.space import KERNEL, Candidate, array_resources
from hwsim.models.npu.systolic import COUNT_CODES, DATAFLOW_CODES, array_cycles
from hwsim.operators import Matmul
from hwsim.rtl import kernel
from hwsim.rtl.resource_fit import FILE_NAME, read_fits
from hwsim.rtl.simulation import Verification, verify
from hwsim.rtl.synthesis import generic_counts, xilinx_counts
from hwsim.rtl.toolchain import check_simulator

SEEDS = (1, 2)
ICARUS_PLACES = 48  # larger arrays are simulated faster by Verilator, its compilation included


def simulator_for(candidate: Candidate, asked: str) -> str:
    """The simulator asked for; ``auto`` is Icarus for small arrays, Verilator (if it is there) for larger ones."""
    if asked != "auto":
        return asked
    if candidate.rows * candidate.columns <= ICARUS_PLACES:
        return "icarus"
    try:
        check_simulator("verilator")
    except MissingExtraError:
        return "icarus"
    return "verilator"


def was_swept(candidate: Candidate) -> bool:
    """Whether this size is one of those that the resource fit was made on."""
    fits = read_fits(kernel(KERNEL).folder / FILE_NAME)
    return candidate.parameters in [{**fit.held, **point} for fit in fits for point in fit.points]


def verified(candidate: Candidate, *, simulator: str = "auto", seeds: Sequence[int] = SEEDS) -> list[Verification]:
    """Run the kernel's bench at the candidate's parameters: every beat and every cycle, free and under stalls."""
    chosen = simulator_for(candidate, simulator)
    return [verify(kernel(KERNEL), candidate.parameters, simulator=chosen, seed=seed) for seed in seeds]


def cycles_document(found: Sequence[Verification]) -> dict[str, Any]:
    """Cycles predicted and measured over all runs, and what differed."""
    return {
        "simulator": found[0].simulator,
        "seeds": [one.seed for one in found],
        "runs": sum(one.tests for one in found),
        "cycles_predicted": sum(one.cycles_predicted for one in found),
        "cycles_measured": sum(one.cycles_measured for one in found),
        "failures": [failure for one in found for failure in one.failures],
        "passed": all(not one.failures and one.tests > 0 for one in found),
        "seconds": sum(one.seconds for one in found),
    }


def synthesised(candidate: Candidate) -> dict[str, dict[str, float]]:
    """One array by kind of resource: what the fit predicts, what Yosys counts, the relative error."""
    one = kernel(KERNEL)
    with ThreadPoolExecutor(max_workers=2) as processes:  # each is a process of Yosys
        both = [processes.submit(count, one, candidate.parameters) for count in (xilinx_counts, generic_counts)]
    counted = {**both[0].result(), **both[1].result()}
    predicted = array_resources(candidate.parameters_key)
    return {
        kind: {
            "predicted": predicted[kind],
            "synthesised": counted[kind],
            "error": (predicted[kind] - counted[kind]) / max(counted[kind], 1.0),
        }
        for kind in predicted
    }


def product_cycles(task: Task, candidate: Candidate) -> list[dict[str, Any]]:
    """The network's own products on one array: the kernel's cycle model beside the NPU's cost function."""
    read = hwsim.network(task.network)
    rows = []
    for node in phase_graph(read, task.workload(candidate.format), "decode"):
        one = node.operator
        if isinstance(one, Matmul):
            m, n, k = int(one.m), int(one.n), int(one.k)
            npu = array_cycles(
                DATAFLOW_CODES[candidate.dataflow], COUNT_CODES["rtl_stream"], m, n, k, candidate.rows,
                candidate.columns,
            )  # fmt: skip
            cycles = kernel(KERNEL).cycles({"m": m, "n": n, "k": k}, **candidate.parameters)
            rows.append({"name": one.name, "m": m, "n": n, "k": k, "kernel_cycles": cycles, "npu_cycles": npu})
    return rows


def network_tile(task: Task, candidate: Candidate, *, simulator: str = "auto") -> dict[str, Any]:
    """One tile of the network's own depth (its hidden size) through the RTL, in every stall mode."""
    shape = {"m": task.batch, "k": int(hwsim.network(task.network).hidden)}
    found = verified_tile(candidate, **shape, simulator=simulator_for(candidate, simulator))
    return {**shape, "n": candidate.columns, **cycles_document([found])}


def rtl_document(task: Task, candidate: Candidate, *, simulator: str = "auto", tile: bool = False) -> dict[str, Any]:
    """Everything the RTL says about one array of a design; with ``tile`` also a tile as deep as the network."""
    return {
        "kernel": KERNEL,
        "parameters": candidate.parameters,
        "size_was_swept": was_swept(candidate),
        "cycles": cycles_document(verified(candidate, simulator=simulator)),
        "network_tile": network_tile(task, candidate, simulator=simulator) if tile else None,
        "products": product_cycles(task, candidate),
        "resources": synthesised(candidate),
    }
