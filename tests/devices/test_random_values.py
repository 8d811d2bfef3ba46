"""Random values in the tables of NPUs, Gaudi, FPGAs and flash chiplets: one line, or a device with finite figures."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.errors import HwsimError
from hwsim.models.catalog import read_device
from hwsim.models.catalog.files import find, flat, parse, read_text

DEVICES = [
    "gaudi2-96gb", "tpu-v3", "tpu-v6e", "ascend-910b-64gb", "eyeriss", "flightllm-u280", "lfads-u55c",
    "cambricon-llm-s",
]  # fmt: skip
NUMBERS = st.sampled_from(
    [-1, 0, -0.0, math.nan, math.inf, -math.inf, 1e-300, 1e300, 1e30, 0.5, 1.5, 3, 7, 2**40, 10**400, 10**5000]
)
UNITS = st.sampled_from(["B", "GB", "GB/s", "W", "s", "us", "J", "pJ", "Hz", "GHz", "parsec", ""])
TEXTS = st.builds("{} {}".format, st.sampled_from(["-1", "0", "nan", "inf", "1e-30", "1e300", "1e400", "3"]), UNITS)
WRONG: st.SearchStrategy[Any] = st.sampled_from(["", " ", "fast", "1\n2", [], [10**5000], {}, {"a": 1}, True, None])
QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("matmul", {"m": 1, "n": 4096, "k": 4096, "dtype": "bf16"}),
    ("matmul", {"m": 300, "n": 256, "k": 512, "dtype": "int8"}),
    ("attention", {"batch": 1, "query_length": 1, "kv_length": 512, "heads": 8, "kv_heads": 2, "head_dim": 64,
                   "dtype": "bf16"}),
    ("norm", {"rows": 4, "columns": 128, "dtype": "bf16"}),
]  # fmt: skip


def keys(name: str) -> list[str]:
    table = parse(read_text(find("devices", name)), name)
    return [path for path in flat(table) if not path.startswith("sources")]


@pytest.mark.parametrize("name", DEVICES)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), values=st.lists(NUMBERS | TEXTS | WRONG, min_size=1, max_size=3))
def test_a_random_value_is_refused_in_one_line_or_gives_finite_figures(
    name: str, data: st.DataObject, values: list[Any]
) -> None:
    overrides = {data.draw(st.sampled_from(keys(name))): value for value in values}
    try:
        device = read_device(name, overrides)
        for kind, arguments in QUERIES:
            try:
                found = hwsim.estimate(device, kind, **arguments)
            except HwsimError as error:
                assert "\n" not in str(error)
                continue
            assert 0.0 <= float(found.latency_s) < math.inf
            assert 0.0 <= float(found.energy_j) < math.inf
    except HwsimError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 500


def test_a_number_of_thousands_of_digits_in_a_file_is_one_line() -> None:
    with pytest.raises(HwsimError, match="too many digits"):
        parse("x = " + "9" * 5000, "mine.toml")
