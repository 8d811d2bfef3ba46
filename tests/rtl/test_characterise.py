"""Characterisation: hierarchy by pyverilog, Xilinx counts by Yosys, fits that predict what was not swept."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hwsim.commands.app import run_app
from hwsim.commands.rtl_characterise import _fits, _print_fit
from hwsim.errors import InputError, MissingExtraError
from hwsim.models.catalog.kernel_fits import complete
from hwsim.rtl import kernel_names, synthesis
from hwsim.rtl.characterisation_page import hierarchy_figure, write
from hwsim.rtl.discovery import read_kernel
from hwsim.rtl.resource_fit import FILE_NAME, fit_counts, predicted, read_fits, term_value, toml_text
from hwsim.rtl.scaffold import new_kernel
from hwsim.rtl.structure import by_module

Require = Callable[[str, str], object]
ALL = ("1", "ROWS", "COLUMNS", "ROWS*COLUMNS")
TERMS = {"lut": ALL, "ff": ALL, "dsp": ("ROWS*COLUMNS",), "bram": ("1", "ROWS")}
POINTS = [{"ROWS": rows, "COLUMNS": columns, "MODE": 1} for rows, columns in ((1, 1), (1, 3), (3, 1), (2, 2), (4, 6))]


def _counts(point: dict[str, int]) -> dict[str, float]:
    rows, columns = point["ROWS"], point["COLUMNS"]
    return {"lut": 7 + 60 * rows * columns, "ff": 5 + 3 * rows + 2 * columns, "dsp": rows * columns, "bram": 0.5 * rows}


def test_a_fit_finds_the_formula_that_made_the_counts_and_predicts_beyond_them() -> None:
    fit = fit_counts(TERMS, POINTS, [_counts(point) for point in POINTS])
    assert fit.coefficients["lut"] == pytest.approx(dict(zip(ALL, (7, 0, 0, 60), strict=True)), abs=1e-5)
    assert fit.formula("ff") == "5 + 3*ROWS + 2*COLUMNS" and fit.held == {"MODE": 1}
    assert max(fit.error.values()) == 0
    beyond = {"ROWS": 9, "COLUMNS": 5, "MODE": 1}
    assert fit.predict(beyond) == _counts(beyond)
    assert fit.predict({**beyond, "MODE": 0}) is None


def test_a_count_off_the_formula_is_the_error_reported() -> None:
    counts = [_counts(point) for point in POINTS]
    counts[3]["lut"] *= 2
    assert fit_counts(TERMS, POINTS, counts).error["lut"] > 0.1


def test_fits_written_are_the_fits_read(tmp_path: Path) -> None:
    fit = fit_counts(TERMS, POINTS, [_counts(point) for point in POINTS])
    (tmp_path / FILE_NAME).write_text(toml_text("mine", [fit], "pyosys 0, steps"))
    assert read_fits(tmp_path / FILE_NAME) == [fit]
    assert "# fitted: hwsim rtl characterise mine --in-place" in (tmp_path / FILE_NAME).read_text()


def test_points_that_do_not_tell_terms_apart_and_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="do not tell"):
        fit_counts(TERMS, POINTS[:3], [_counts(point) for point in POINTS[:3]])
    with pytest.raises(InputError, match="'LANES' must be"):
        term_value("2*LANES", {"ROWS": 1})
    assert term_value("max(ROWS, 3) - min(2, ROWS)**2", {"ROWS": 5}) == 1


@pytest.mark.parametrize("name", [name for name in kernel_names() if read_kernel(name).resource_sweeps])
def test_fits_kept_are_of_the_declared_sweeps(name: str) -> None:
    kernel = read_kernel(name)
    fits = read_fits(kernel.folder / FILE_NAME)
    assert fits
    for fit, sweep in zip(fits, kernel.resource_sweeps, strict=True):
        assert {kind: tuple(row) for kind, row in fit.coefficients.items()} == sweep.complete_terms
        assert fit.derived == sweep.derived
        for kept, declared in ((fit.points, sweep.points), (fit.held_out, sweep.held_out)):
            assert [kernel.values({**fit.held, **point}) for point in kept] == [kernel.values(one) for one in declared]
        counts = predicted(kernel.folder, {**fit.held, **fit.points[0]})
        assert set(counts) == {*sweep.complete_terms, "extrapolated"} and counts["extrapolated"] == 0


def test_fitted_resources_need_no_yosys_and_the_others_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    array = read_kernel("systolic_array")
    assert array.resources(ROWS=16, COLUMNS=16)["dsp"] == 256
    with pytest.raises(MissingExtraError, match="pyosys"):
        array.resources(ROWS=2, COLUMNS=2, OPERAND_BITS=4)


def test_the_hierarchy_is_a_graph_of_every_instance(
    require_package: Require, require_tool: Callable[[str], str]
) -> None:
    require_tool("iverilog")
    if importlib.util.find_spec("pyverilog") is None:  # its import leaves a file open, which is an error here
        require_package("pyverilog", "rtl")
    from hwsim.rtl.hierarchy import hierarchy, tree

    graph = hierarchy(read_kernel("systolic_array"), {"ROWS": 2, "COLUMNS": 3})
    assert graph.nodes["systolic_array"]["ports"][0] == ("input", "clk_i")
    assert tree(graph) == [
        (0, "systolic_array", 1), (1, "systolic_output_stationary", 1), (2, "delay_line", 10),
        (2, "pe_output_stationary", 6),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kernel", "given"),
    [
        ("systolic_array", {"ROWS": 3, "COLUMNS": 2, "DATAFLOW": 0}),
        ("fp8_mac", {"PARTIAL_SUMS": 4, "OUTPUT_FORMAT": 1, "OUTPUT_BIAS": 9}),
    ],
)
def test_parameters_that_were_not_swept_are_predicted_within_a_tenth(
    kernel: str,
    given: dict[str, int],
    capsys: pytest.CaptureFixture[str],
    require_package: Require,
    require_tool: Callable[[str], str],
) -> None:
    require_package("pyosys", "rtl")
    require_tool("iverilog")
    fits = read_fits(read_kernel(kernel).folder / FILE_NAME)
    assert not any(given.items() <= {**fit.held, **point}.items() for fit in fits for point in fit.points)
    arguments = [f"--parameter={name}={value}" for name, value in given.items()]
    assert run_app(["rtl", "characterise", kernel, *arguments, "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    for kind, both in (record["xilinx"] | record["generic"]).items():
        if both["predicted"] is not None:
            assert both["predicted"] == pytest.approx(both["synthesised"], rel=0.1), kind


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["systolic_array", "--in-place", "--parameter", "ROWS=2"], "leave --parameter out"),
        (["systolic_array", "--out", "OUT", "--parameter", "ROWS=2"], "--out writes the fits of the whole sweep"),
        (["--out", "OUT"], "name one KERNEL"),
        (["secded", "--out", "OUT", "--in-place"], "not with --in-place"),
    ],
)
def test_nothing_is_written_for_single_parameters_or_several_kernels(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.toml"
    assert run_app(["rtl", "characterise", *(str(out) if one == "OUT" else one for one in arguments)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not out.exists()


SWEEP = """
from dataclasses import replace
from hwsim.rtl.resource_fit import ResourceSweep, points
KERNEL = replace(KERNEL, resource_sweeps=(ResourceSweep(
    terms={"lut": ("1", "WIDTH"), "ff": ("1", "WIDTH"), "cells": ("1", "WIDTH")},
    points=points("WIDTH", (4,), (12,)),
    held_out=points("WIDTH", (8,)),
),))
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel of the user's own with a sweep; its syntheses are counted by a formula."""
    folder = new_kernel("mine", tmp_path)
    (folder / "kernel.py").write_text((folder / "kernel.py").read_text() + SWEEP)

    def xilinx(_kernel: object, given: dict[str, int]) -> dict[str, float]:
        width = given["WIDTH"]
        return {"lut": 2.0 * width + (width == 8), "ff": 4.0 * width + 1, "dsp": 0.0, "bram": 0.0}

    monkeypatch.setattr(synthesis, "xilinx_counts", xilinx)
    monkeypatch.setattr(synthesis, "generic_counts", lambda _, given: {"cells": 9.0, "gates": 10.0 * given["WIDTH"]})
    monkeypatch.setattr(synthesis, "tool", lambda **_: "a formula")
    return folder


def test_characterising_again_leaves_the_same_file(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = mine / "elsewhere.toml"
    kernel = read_kernel(mine)
    fits = [_fits(kernel, file)[0] for file in (mine / FILE_NAME, out, None)]
    assert (mine / FILE_NAME).read_bytes() == out.read_bytes()
    assert fits[0] == fits[1] == fits[2]
    assert fits[0]["held_out_error"]["lut"] == pytest.approx(1 / 17) and fits[0]["largest_error"]["lut"] == 0
    (kept,) = read_fits(mine / FILE_NAME)
    assert kept.held_out == ({"WIDTH": 8},) and kept.predict({"WIDTH": 20}) == {
        "lut": 40, "ff": 81, "dsp": 0, "bram": 0, "cells": 9, "gates": 200,
    }  # fmt: skip
    _print_fit(fits[0])
    assert "1 held out" in capsys.readouterr().out


def test_resources_say_where_they_extrapolate_and_name_the_command_where_nothing_is_fitted(
    mine: Path, monkeypatch: pytest.MonkeyPatch, require_package: Require
) -> None:
    require_package("pyosys", "rtl")
    kernel = read_kernel(mine)
    with pytest.raises(InputError, match="no fit of 'lut'.*`hwsim rtl characterise mine --in-place`") as caught:
        kernel.resources(WIDTH=8)["lut"]
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="'adder' must be one of .*did you mean 'adders'"):
        kernel.resources(WIDTH=8)["adder"]
    _fits(kernel, mine / FILE_NAME)
    assert kernel.resources(WIDTH=10)["extrapolated"] == 0
    assert kernel.resources(WIDTH=13)["extrapolated"] == 1
    assert kernel.resources(WIDTH=13)["adders"] == 1


@pytest.mark.slow
def test_two_characterisations_by_yosys_write_the_same_bytes(tmp_path: Path, require_package: Require) -> None:
    require_package("pyosys", "rtl")
    folder = new_kernel("mine", tmp_path)
    (folder / "kernel.py").write_text((folder / "kernel.py").read_text() + SWEEP)
    _fits(read_kernel(folder), folder / FILE_NAME)
    first = (folder / FILE_NAME).read_bytes()
    _fits(read_kernel(folder), folder / FILE_NAME)
    assert (folder / FILE_NAME).read_bytes() == first
    (fit,) = read_fits(folder / FILE_NAME)
    assert fit.predict({"WIDTH": 8})["ff"] == 4 * 8 + 1  # type: ignore[index]


def test_terms_know_comparisons_and_names_derived_from_parameters() -> None:
    derived = {"STEPS": "ceil(log2(ROWS))", "EVEN": "(ROWS % 2 == 0)*STEPS"}
    assert complete({"ROWS": 6}, derived) == {"ROWS": 6, "STEPS": 3, "EVEN": 3}
    with pytest.raises(InputError, match=r"term 'log2\(ROWS\)'"):
        term_value("log2(ROWS)", {"ROWS": 0})
    with pytest.raises(InputError, match=r"MODE\(=0\) must be 1"):
        fit_counts(TERMS, POINTS, [_counts(point) for point in POINTS], held_out=[{**POINTS[0], "MODE": 0}])


def test_counts_by_module_add_up_where_nothing_is_shared(require_package: Require) -> None:
    require_package("pyosys", "rtl")
    kernel = read_kernel("systolic_array")
    values = kernel.values({"ROWS": 2, "COLUMNS": 3})
    modules = by_module(kernel.name, kernel.files, values)
    assert (modules[0]["module"], modules[0]["instances"]) == ("systolic_array", 1)
    cell = next(one for one in modules if one["module"] == "pe_output_stationary")
    assert (cell["instances"], cell["multipliers"], cell["adders"]) == (6, 1, 1)
    whole = kernel.resources(**values)
    total = {kind: sum(one["instances"] * one[kind] for one in modules) for kind in cell if kind in whole}
    assert total["multipliers"] == whole["multipliers"] == 6 and total["adders"] == whole["adders"] == 6
    assert whole["register_bits"] <= total["register_bits"]  # flattened, registers that nothing reads go


def test_the_page_draws_the_hierarchy_beside_counts_and_fits(tmp_path: Path) -> None:
    levels = [{"depth": 0, "module": "top", "count": 1}, {"depth": 1, "module": "a<b", "count": 3},
              {"depth": 2, "module": "leaf", "count": 3}, {"depth": 1, "module": "other", "count": 1}]  # fmt: skip
    *lines, marks = hierarchy_figure(levels).data
    assert [list(line.x) for line in lines] == [[0, 0, 1], [1, 1, 2], [0, 0, 1]]
    assert [list(line.y) for line in lines] == [[0, 1, 1], [1, 2, 2], [0, 3, 3]]
    assert [text.strip() for text in marks.text] == ["top", "a&lt;b × 3", "leaf × 3", "other"]
    fit = fit_counts(TERMS, POINTS, [_counts(point) for point in POINTS])
    record = {
        "kernel": "top", "parameters": {"ROWS": 2}, "hierarchy": levels, "resources": {"lut": 67.0},
        "modules": [{"module": "top", "instances": 1, "adders": 4321}],
        "xilinx": {"lut": {"synthesised": 71.0, "predicted": 67.0}},
        "fits": [{"points": POINTS, "held_out": [], "derived": {}, "formula": {"ff": fit.formula("ff")},
                  "largest_error": {"ff": 0.25}, "held_out_error": {}}],
    }  # fmt: skip
    text = write(tmp_path / "page.html", [record]).read_text()
    for part in ("top: hierarchy", "4,321", "67", "71", "5 + 3*ROWS + 2*COLUMNS", "25.0%"):
        assert part in text, part
