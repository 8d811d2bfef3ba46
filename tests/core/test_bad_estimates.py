"""What no operator can be is refused by `hwsim.estimate` and `hwsim.simulate` in one line that names the argument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwsim
from hwsim.errors import HwsimError

DEVICE = "h100-sxm-80gb"
MATMUL: dict[str, Any] = {"m": 8, "n": 64, "k": 64}
ATTENTION: dict[str, Any] = {
    "batch": 1, "query_length": 1, "kv_length": 128, "heads": 32, "kv_heads": 8, "head_dim": 128,
}  # fmt: skip
COLLECTIVE: dict[str, Any] = {"operation": "all_reduce", "ranks": 4, "message_bytes": 1e6}


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("matmul", {**MATMUL, "m": 0}, ["m(=0.0)", "> 0"]),
        ("matmul", {**MATMUL, "m": "8"}, ["m(='8')", "number"]),
        ("matmul", {**MATMUL, "m": None}, ["m(=None)", "number"]),
        ("matmul", {**MATMUL, "m": True}, ["m(=True)", "number"]),
        ("matmul", {**MATMUL, "m": [[1, 2], [3]]}, ["m", "differ in length"]),
        ("matmul", {**MATMUL, "m": float("nan")}, ["m", "finite"]),
        ("matmul", {**MATMUL, "m": [1, 2], "n": [1, 2, 3]}, ["broadcast", "m (2,)"]),
        ("matmul", {"m": 8, "n": 64}, ["missing", "'k'"]),
        ("matmul", {**MATMUL, "dtype": ["bf16"]}, ["dtype", "text"]),
        ("matmul", {**MATMUL, "scaling": "rows"}, ["scaling 'rows'", "did you mean 'row'"]),
        ("matmul", {**MATMUL, "unit": ["gpu"]}, ["unit", "gpu"]),
        ("attention", {**ATTENTION, "causal": "no"}, ["causal", "True or False"]),
        ("attention", {**ATTENTION, "window": -1}, ["window(=-1.0)", ">= 0"]),
        ("attention", {**ATTENTION, "kv_heads": 7}, ["heads", "multiple"]),
        ("elementwise", {"elements": 8, "reads": -1}, ["reads(=-1.0)", ">= 0"]),
        ("collective", {**COLLECTIVE, "ranks": 1}, ["ranks(=1)", ">= 2"]),
        ("collective", {**COLLECTIVE, "ranks": 2.5}, ["ranks(=2.5)", "whole"]),
        ("collective", {**COLLECTIVE, "operation": "gather"}, ["operation 'gather'", "allowed"]),
    ],
)
def test_an_impossible_operator_is_one_line_that_names_the_argument(
    kind: str, arguments: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(HwsimError) as error:
        hwsim.estimate(DEVICE, kind, **arguments)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_a_collective_over_more_ranks_than_the_system_has_is_refused() -> None:
    with pytest.raises(HwsimError, match="4 ranks, but '2x h100-sxm-80gb over nvlink-4' has 2 devices"):
        hwsim.estimate("2x h100-sxm-80gb over nvlink-4", "collective", **COLLECTIVE)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"on": None}, "device"),
        ({"batch": float("inf")}, "batch"),
        ({"batch": float("nan")}, "batch"),
        ({"batch": "2"}, "batch"),
        ({"parallel": 4}, "parallel"),
        ({"phase": None}, "phase"),
        ({"runtime": None}, "runtime"),
        ({"network": 5}, "network"),
        ({"network": Path("no.json")}, "no.json"),
    ],
)
def test_an_impossible_simulation_is_one_line_that_names_the_argument(arguments: dict[str, Any], words: str) -> None:
    whole = {"network": "gpt2", "on": DEVICE, **arguments}
    with pytest.raises(HwsimError, match=words):
        hwsim.simulate(whole.pop("network"), **whole)


def test_numbers_of_numpy_and_paths_are_as_good_as_plain_ones(tmp_path: Path) -> None:
    from hwsim.commands.app import run_app

    mine = tmp_path / "mine.toml"
    assert run_app(["device", "new", "--from", DEVICE, "--out", str(mine)]) == 0
    plain = hwsim.simulate("gpt2", on=DEVICE, batch=2, context=16)
    assert hwsim.simulate("gpt2", on=mine, batch=np.int64(2), context=16).latency_s == plain.latency_s  # type: ignore[arg-type]
