"""The co-design loop: budgets are kept, more is never slower, models and RTL agree on the array that was chosen."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import hwsim
from hwsim.errors import DoesNotFitError, HwsimError, InputError, UnknownNameError
from hwsim.experiments.codesign import decode_npu
from hwsim.experiments.codesign.device_file import device_text, edge_bytes_per_s
from hwsim.experiments.codesign.multiply_adds import multiply_adds
from hwsim.experiments.codesign.rtl_check import network_tile, product_cycles, rtl_document, was_swept
from hwsim.experiments.codesign.search import Evaluator, Found, Task, chosen_device, search
from hwsim.experiments.codesign.space import Candidate, area_share, array_resources, read_budget
from hwsim.experiments.command import exit_status
from hwsim.models.fpga.parts import read_part
from hwsim.rtl import kernel
from hwsim.rtl.resource_fit import FILE_NAME, read_fits

SMALL = Task(network="llama-3.2-1b", batch=2, context=128, part="kria-kv260", budget="lut=20000,ff=30000,dsp=128")


@pytest.fixture(scope="module")
def found() -> Found:
    return search(SMALL)


def test_no_design_of_the_front_takes_more_than_the_budget(found: Found) -> None:
    assert len(found.front) > 10
    for design in (*found.front, *found.by_format.values()):
        assert all(design.resources[kind] <= limit for kind, limit in found.budget.items())
        assert design.area == area_share(design.resources, found.budget) <= 1.0


def test_the_front_is_a_staircase(found: Found) -> None:
    latencies, areas = [one.latency_s for one in found.front], [one.area for one in found.front]
    assert latencies == sorted(latencies) and areas == sorted(areas, reverse=True)
    assert len(set(latencies)) == len(latencies)


@pytest.mark.parametrize("slack", [0.02, 0.5])
def test_the_chosen_design_is_the_smallest_within_the_slack(slack: float) -> None:
    found = search(replace(SMALL, slack=slack))
    near = [one for one in found.front if one.latency_s <= (1.0 + slack) * found.fastest.latency_s]
    assert found.chosen.area == min(one.area for one in near)
    assert found.chosen.latency_s == max(one.latency_s for one in near)
    assert slack < 0.1 or len(near) > 3


def test_without_slack_the_fastest_is_chosen(found: Found) -> None:
    assert search(replace(SMALL, slack=0.0)).chosen.latency_s == found.fastest.latency_s


def test_the_edges_of_every_array_read_their_operands_each_cycle() -> None:
    assert edge_bytes_per_s(Candidate("int4", "output_stationary", 4, 6, 3), 1e8) == 3 * (4 + 6) * 0.5 * 1e8


@pytest.mark.parametrize("kind", ["lut", "ff", "dsp"])
def test_more_of_a_resource_is_never_slower(kind: str) -> None:
    sizes = {"lut": (2000, 8000, 30000), "ff": (1500, 6000, 30000), "dsp": (1, 8, 64)}[kind]
    latencies = [
        search(replace(SMALL, formats=("int8",), budget=f"lut=30000,ff=30000,dsp=64,{kind}={size}")).fastest.latency_s
        for size in sizes
    ]
    assert latencies == sorted(latencies, reverse=True)
    assert latencies[0] > 1.5 * latencies[-1]


def test_no_design_is_faster_than_its_memory(found: Found) -> None:
    for design in found.front:
        assert design.latency_s > found.streaming_s[design.candidate.format]


def test_without_dsps_only_the_format_that_multiplies_in_luts_is_left() -> None:
    found = search(replace(SMALL, budget="lut=20000,ff=30000,dsp=0.5"))
    assert found.chosen.candidate.format == "int4"
    assert "dsp 1" in found.left_out["int8, output_stationary"]


def test_one_array_on_a_part_with_one_memory_channel(found: Found) -> None:
    assert {one.candidate.count for one in found.front} == {1}
    assert {one.candidate.rows for one in found.front} <= {1, 2}


def test_the_device_file_gives_the_record_that_was_scored_and_the_run_its_latency(found: Found) -> None:
    evaluator = Evaluator(hwsim.network(SMALL.network), SMALL, found.part, found.chosen.candidate.format)
    device = chosen_device(found, found.chosen)
    scored = evaluator.record(found.chosen.candidate)
    for field, value in device.record._asdict().items():
        assert value == pytest.approx(getattr(scored, field), rel=1e-12), field
    name = found.chosen.candidate.format
    result = hwsim.simulate(
        SMALL.network, on=device, phase="decode", batch=SMALL.batch, context=SMALL.context, weights=name,
        activations=name, kv=name,
    )  # fmt: skip
    assert result.latency_s == pytest.approx(found.chosen.latency_s, rel=1e-9)
    assert result.tokens_per_s == pytest.approx(found.chosen.tokens_per_s, rel=1e-9)


def test_the_device_file_is_read_from_disk_like_any_other(found: Found, tmp_path: Path) -> None:
    file = tmp_path / "decode.toml"
    file.write_text(device_text(found.chosen.candidate, found.part, share=SMALL.share))
    assert hwsim.device(str(file)).record == chosen_device(found, found.chosen).record


@pytest.mark.parametrize(("rows", "columns", "dataflow"), [(3, 57, "output_stationary"), (7, 5, "weight_stationary")])
def test_the_kernels_cycles_of_a_networks_products_are_those_that_the_npu_is_charged(
    rows: int, columns: int, dataflow: str
) -> None:
    products = product_cycles(SMALL, Candidate("int8", dataflow, rows, columns, 1))
    assert {one["name"] for one in products} >= {"qkv", "down", "lm_head"}
    assert all(one["kernel_cycles"] == one["npu_cycles"] for one in products)
    qkv = next(one for one in products if one["name"] == "qkv")
    if dataflow == "output_stationary":
        tiles = math.ceil(qkv["m"] / rows) * math.ceil(qkv["n"] / columns)
        assert qkv["kernel_cycles"] == tiles * qkv["k"] + 2 * rows + columns - 2


def test_the_fits_hold_on_sizes_that_were_not_fitted() -> None:
    for fit in read_fits(kernel("systolic_array").folder / FILE_NAME):
        assert len(fit.held_out) >= 2
        assert {"lut", "ff", "dsp", "cells"} <= set(fit.held_out_error)
        assert max(fit.held_out_error.values()) < (0.08 if fit.held["DATAFLOW"] else 0.02)
        for point in (*fit.points, *fit.held_out):
            predicted = array_resources(tuple({**fit.held, **point}.items()))
            int8 = fit.held["OPERAND_BITS"] == 8
            assert predicted["dsp"] == (point["ROWS"] * point["COLUMNS"] if int8 else 0)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"budget": "lut=60,ff=60"}, DoesNotFitError, "holds no array"),
        ({"budget": "luts=600"}, UnknownNameError, "lut"),
        ({"budget": "lut=many"}, InputError, "lut(='many') must be a number > 0"),
        ({"budget": "lut=-4"}, InputError, "must be a number > 0"),
        ({"share": 0.0}, InputError, "share(=0.0)"),
        ({"part": "kria-kv26"}, UnknownNameError, "kria-kv260"),
        ({"network": "llama-2-7b", "formats": ("int8",)}, DoesNotFitError, "does not fit on kria-kv260"),
    ],
)
def test_an_impossible_request_is_one_line(change: dict[str, object], error: type[HwsimError], text: str) -> None:
    with pytest.raises(error, match=None) as caught:
        search(replace(SMALL, **change))  # type: ignore[arg-type]
    assert text in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "text"),
    [({"formats": ("fp8",)}, "int8"), ({"dataflows": ("row",)}, "output_stationary"), ({"slack": -0.1}, "slack")],
)
def test_an_unknown_choice_is_refused(change: dict[str, object], text: str) -> None:
    with pytest.raises(HwsimError) as caught:
        replace(SMALL, **change)  # type: ignore[arg-type]
    assert text in str(caught.value)


def test_the_budget_is_the_share_of_the_part_unless_named() -> None:
    part = read_part("kria-kv260")
    assert read_budget("lut=5e3", part, 0.5) == {"lut": 5000.0, "ff": 117120.0, "dsp": 624.0}


ARGUMENTS = ["--network", "llama-3.2-1b", "--batch", "2", "--context", "128", "--part", "kria-kv260", "--no-rtl"]


def test_the_command_prints_json_and_writes_the_device_and_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, device = tmp_path / "page.html", tmp_path / "npu.toml"
    files = ["--page", str(page), "--device", str(device)]
    assert decode_npu.run([*ARGUMENTS, "--budget", "lut=9000", "--json", *files]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {one["format"] for one in document["chosen"]} == {"int8", "int4"}
    chosen = next(one for one in document["chosen"] if one["best_of_all"])
    assert chosen["run_tokens_per_s"] == pytest.approx(chosen["tokens_per_s"], rel=1e-9)
    assert chosen["device_toml"] == device.read_text()
    assert "Pareto front" in page.read_text()


def test_the_command_prints_the_choice_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert decode_npu.run([*ARGUMENTS, "--formats", "int8", "--budget", "dsp=20"]) == 0
    text = capsys.readouterr().out
    assert "dsp runs out first" in text and "Pareto front" in text and "hwsim run llama-3.2-1b --on" in text


def test_the_command_refuses_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["decode_npu", *ARGUMENTS, "--budget", "lut=5"])
    assert exit_status(decode_npu.run) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and "holds no array" in captured.err


def test_a_multiply_add_of_four_bits_needs_no_dsp_and_one_of_eight_exactly_one() -> None:
    dsps = {one["what"]: one["each"]["dsp"] for one in multiply_adds() if one["kernel"] == "systolic_array"}
    assert dsps.pop("int4 x int4, output-stationary") == 0.0
    assert len(dsps) == 2 and set(dsps.values()) == {1.0}


def test_an_unknown_simulator_is_refused_before_the_search() -> None:
    with pytest.raises(InputError, match="simulator 'icaros'"):
        decode_npu.run([*(one for one in ARGUMENTS if one != "--no-rtl"), "--simulator", "icaros"])


@pytest.mark.parametrize("option", ["--page", "--device"])
def test_a_file_that_cannot_be_written_is_refused_before_the_search(option: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        decode_npu.run([*ARGUMENTS, "--network", "no-such-network", option, str(tmp_path / "missing" / "file")])


@pytest.mark.slow
@pytest.mark.rtl
def test_an_array_chosen_outside_the_sweep_is_verified_and_synthesised_as_predicted(
    require_tool: Callable[[str], str], require_package: Callable[[str, str], object]
) -> None:
    require_tool("iverilog")
    require_package("cocotb", "rtl")
    require_package("pyosys", "rtl")
    chosen = search(replace(SMALL, formats=("int8",), budget="lut=1500,ff=1800,dsp=14")).chosen.candidate
    assert not was_swept(chosen)
    rtl = rtl_document(SMALL, chosen)
    cycles = rtl["cycles"]
    assert cycles["passed"] and cycles["failures"] == [] and cycles["runs"] > 20
    assert cycles["cycles_predicted"] == cycles["cycles_measured"] > 1000
    assert set(rtl["resources"]) == {"lut", "ff", "dsp", "cells"}
    assert all(abs(one["error"]) < 0.10 for one in rtl["resources"].values())


@pytest.mark.slow
@pytest.mark.rtl
def test_a_tile_as_deep_as_the_network_takes_the_cycles_that_the_npu_is_charged(
    require_tool: Callable[[str], str], require_package: Callable[[str, str], object]
) -> None:
    require_tool("iverilog")
    require_package("cocotb", "rtl")
    tile = network_tile(SMALL, Candidate("int8", "output_stationary", 2, 3, 1))
    assert tile["passed"] and tile["k"] == 2048
    assert tile["cycles_predicted"] == tile["cycles_measured"] > tile["runs"] * 2048
