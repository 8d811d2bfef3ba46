"""Choose the systolic arrays and the number format of a decode NPU, generate them, and hold the models to the RTL.

A decode step of a network is scored on every design that a share of an FPGA part holds, with the cost functions of
models/npu and the characterised resources of the systolic_array kernel. The smallest design near the fastest is
verified in RTL at its own parameters (bit for bit, cycle for cycle, under stalls), synthesised, and written as a
device file for `hwsim run`. See docs/methods/codesign.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hwsim
from hwsim.errors import InputError
from hwsim.experiments.codesign.device_file import CLOCK_HZ, device_text
from hwsim.experiments.codesign.multiply_adds import multiply_adds
from hwsim.experiments.codesign.rtl_check import rtl_document
from hwsim.experiments.codesign.search import Design, Found, Task, chosen_device, search
from hwsim.experiments.codesign.space import DATAFLOWS, FORMATS, KINDS
from hwsim.experiments.command import exit_status
from hwsim.rtl.toolchain import check_simulator

COMMAND = "python -m hwsim.experiments.codesign.decode_npu"
FRONT_SHOWN = 12


def reason(found: Found, design: Design) -> str:
    """Why a design was chosen, in one sentence."""
    name = design.candidate.format
    limits = {kind: design.resources[kind] / limit for kind, limit in found.budget.items()}
    first = max(limits, key=lambda kind: limits[kind])
    memory = found.streaming_s[name] / design.latency_s
    return (
        f"the smallest within {100 * found.task.slack:g} % of the fastest in {name}; {first} runs out first "
        f"({100 * limits[first]:.0f} % of the budget); streaming the step's bytes from memory alone takes "
        f"{100 * memory:.0f} % of its time"
    )


def document(found: Found, *, rtl: bool = True, simulator: str = "auto", tile: bool = False) -> dict[str, Any]:
    """All that the loop found, for JSON: space, front, chosen designs with their device files, and the RTL's word."""
    task = found.task
    chosen = []
    for name, design in found.by_format.items():
        if rtl:
            print(f"verifying and synthesising: {design.candidate.text}", file=sys.stderr, flush=True)
        result = hwsim.simulate(
            task.network, on=chosen_device(found, design), phase="decode", batch=task.batch, context=task.context,
            weights=name, activations=name, kv=name,
        )  # fmt: skip
        chosen.append(
            design.document()
            | {
                "text": design.candidate.text,
                "best_of_all": design.candidate == found.chosen.candidate,
                "why": reason(found, design),
                "run_tokens_per_s": result.tokens_per_s,
                "device_toml": device_text(design.candidate, found.part, share=task.share, clock_hz=task.clock_hz),
                "rtl": rtl_document(task, design.candidate, simulator=simulator, tile=tile) if rtl else None,
            }
        )
    return {
        "schema_version": 1,
        "network": task.network, "batch": task.batch, "context": task.context, "part": task.part,
        "share": task.share, "clock_hz": task.clock_hz, "budget": found.budget,
        "space": {"designs": found.searched, "left_out": found.left_out},
        "multiply_adds": multiply_adds(),
        "front": [one.document() for one in found.front],
        "chosen": sorted(chosen, key=lambda one: not one["best_of_all"]),
    }  # fmt: skip


def printed(found: Found, result: dict[str, Any]) -> None:
    """Print the tables."""
    from hwsim.report.plain_table import print_table

    task = found.task
    print(
        f"{task.network}, decode, batch {task.batch}, context {task.context}, on {100 * task.share:g} % of {task.part}"
        f" at {task.clock_hz / 1e6:g} MHz (assumption)"
    )
    print("budget: " + ", ".join(f"{kind} {value:,.0f}" for kind, value in found.budget.items()))
    for name, count in found.searched.items():
        print(f"{name}: {count:,} designs fit the budget")
    for name, why in found.left_out.items():
        print(f"{name}: left out: {why}")
    print("\na multiply-add a cycle, characterised:")
    print_table(
        ["What", "Kernel", "LUT", "FF", "DSP", "offered"],
        [
            [one["what"], one["kernel"], *(f"{one['each'][kind]:.3g}" if one["each"] else "-" for kind in KINDS[:3])]
            + [one["offered"].partition(":")[0]]
            for one in result["multiply_adds"]
        ],
    )
    print(f"\nPareto front: {len(found.front)} designs, the fastest {min(FRONT_SHOWN, len(found.front))}")
    print_table(
        ["Design", "tokens/s", "of budget", *KINDS],
        [
            [one.candidate.label, f"{one.tokens_per_s:.4g}", f"{100 * one.area:.1f} %"]
            + [f"{one.resources[kind]:,.0f}" for kind in KINDS]
            for one in found.front[:FRONT_SHOWN]
        ],
    )
    for one in result["chosen"]:
        mark = "chosen" if one["best_of_all"] else f"best of {one['format']}"
        print(
            f"\n{mark}: {one['text']}: {one['tokens_per_s']:.4g} tokens/s ({one['run_tokens_per_s']:.4g} by hwsim run)"
        )
        print(f"  {one['why']}")
        if one["rtl"]:
            _print_rtl(one["rtl"])


def _print_rtl(rtl: dict[str, Any]) -> None:
    from hwsim.report.plain_table import print_table

    if rtl["network_tile"]:
        one = rtl["network_tile"]
        print(f"  a tile of {one['m']} x {one['k']} by {one['k']} x {one['n']}, {one['runs']} runs: "
              f"{one['cycles_predicted']:,} cycles predicted, {one['cycles_measured']:,} measured")  # fmt: skip
    cycles = rtl["cycles"]
    swept = "a swept size" if rtl["size_was_swept"] else "a size that was not swept"
    print(f"  RTL: one array of {swept}, {cycles['simulator']}, seeds {cycles['seeds']}, {cycles['runs']} runs: "
          f"{cycles['cycles_predicted']:,} cycles predicted, {cycles['cycles_measured']:,} measured, "
          f"{'passed' if cycles['passed'] else 'FAILED: ' + cycles['failures'][0]}")  # fmt: skip
    print_table(
        ["One array", "predicted", "synthesised", "error"],
        [
            [kind, f"{one['predicted']:,.0f}", f"{one['synthesised']:,.0f}", f"{100 * one['error']:+.2f} %"]
            for kind, one in rtl["resources"].items()
        ],
    )


def _task(given: argparse.Namespace) -> Task:
    return Task(
        network=given.network, batch=_whole("batch", given.batch, 1, 64), context=_whole("context", given.context, 1),
        part=given.part, share=given.share, budget=given.budget, formats=tuple(given.formats.split(",")),
        dataflows=tuple(given.dataflows.split(",")), clock_hz=given.clock_mhz * 1e6, slack=given.slack,
    )  # fmt: skip


def _whole(name: str, value: int, low: int, high: int = 10**6) -> int:
    if not low <= value <= high:
        raise InputError(f"{name}(={value}) must be between {low} and {high:,}")
    return value


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Choose a decode NPU's arrays and prove them in RTL.")
    parser.add_argument("--network", default="llama-2-7b", help="catalog name or config.json")
    parser.add_argument("--batch", type=int, default=4, help="requests decoded together, 1 to 64")
    parser.add_argument("--context", type=int, default=1024, help="tokens cached")
    parser.add_argument("--part", default="alveo-u280", help="FPGA part of the catalog")
    parser.add_argument("--share", type=float, default=0.7, help="share of the part that the arrays may take")
    parser.add_argument("--budget", default="", metavar="lut=N,ff=N,dsp=N,cells=N", help="limits instead of the share")
    parser.add_argument("--formats", default=",".join(FORMATS), help="number formats to choose from")
    parser.add_argument("--dataflows", default=DATAFLOWS[0], help=f"to choose from: {', '.join(DATAFLOWS)}")
    parser.add_argument("--clock-mhz", type=float, default=CLOCK_HZ / 1e6, help="clock; synthesis here gives none")
    parser.add_argument("--slack", type=float, default=0.02, help="how much slower than the fastest it may be")
    parser.add_argument("--simulator", default="auto", help="icarus, verilator, or auto by size")
    parser.add_argument("--no-rtl", action="store_true", help="leave verification and synthesis out")
    parser.add_argument("--network-tile", action="store_true", help="simulate a tile as deep as the network too (slow)")
    parser.add_argument("--device", type=Path, metavar="FILE", help="write the chosen design's device file")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write an HTML page")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return parser.parse_args(arguments)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the loop; 0 if the RTL agrees, 1 if it does not."""
    given = _arguments(arguments)
    if not given.no_rtl and given.simulator != "auto":
        check_simulator(given.simulator)
    for path in filter(None, (given.device, given.page)):
        if not path.absolute().parent.is_dir():
            raise InputError(f"cannot write '{path}': '{path.parent}' is no folder")
    found = search(_task(given))
    result = document(found, rtl=not given.no_rtl, simulator=given.simulator, tile=given.network_tile)
    chosen = next(one for one in result["chosen"] if one["best_of_all"])
    if given.device is not None:
        _write(given.device, chosen["device_toml"])
    if given.json:
        print(json.dumps(result, allow_nan=False))
    else:
        printed(found, result)
        name = chosen["format"]
        target = given.device or f"decode-npu-{name}.toml"
        done = "wrote" if given.device else "with --device"
        print(f"\n{done} {target}: hwsim run {found.task.network} --on {target} "
              f"--phase decode --batch {found.task.batch} --context {found.task.context} "
              f"--weights {name} --activations {name} --kv {name}")  # fmt: skip
    if given.page is not None:
        from hwsim.experiments.codesign.page import write

        write(given.page, found, result)
    checks = [one["rtl"] for one in result["chosen"] if one["rtl"]]
    runs = [one[key] for one in checks for key in ("cycles", "network_tile") if one[key]]
    return 0 if all(one["passed"] for one in runs) else 1


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write '{path}': {error.strerror or error}") from error


if __name__ == "__main__":
    raise SystemExit(exit_status(run))
