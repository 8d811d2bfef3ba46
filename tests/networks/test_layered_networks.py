"""Networks without a KV cache: parameters, shapes, the forward phase, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hwsim
from hwsim.errors import HwsimError
from hwsim.operators import Convolution


@pytest.mark.parametrize(("name", "parameters"), [("alexnet", 60_965_224), ("vgg-16", 138_357_544)])
def test_the_stored_values_are_those_of_the_published_network(name: str, parameters: int) -> None:
    assert hwsim.network(name).parameters == parameters


def test_forward_counts_samples_and_no_tokens() -> None:
    result = hwsim.simulate("alexnet", on="a100-sxm-80gb", phase="forward", batch=4)
    assert result.samples_per_s == pytest.approx(4 / result.latency_s)
    assert result.tokens_per_s is None
    assert result.memory.kv == 0.0


def test_a_phase_with_a_cache_is_refused() -> None:
    with pytest.raises(HwsimError, match="allowed: forward"):
        hwsim.simulate("vgg-16", on="a100-sxm-80gb", phase="decode")


def test_a_filter_larger_than_the_input_is_refused() -> None:
    with pytest.raises(HwsimError, match="larger than the padded input"):
        Convolution(
            name="c", batch=1, input_channels=3, output_channels=8, input_rows=4, input_columns=4, filter_rows=7,
            filter_columns=7,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"input": [3, 0, 8]}, "input"),
        ({"layers": []}, "layers"),
        ({"layers": [{"name": "a", "kind": "convolutoin"}]}, "did you mean"),
        ({"layers": [{"name": "a", "kind": "convolution", "filter": 3, "output_channels": 8, "groups": 5}]}, "groups"),
        ({"layers": [{"name": "a", "kind": "pool", "filter": 9, "stride": 1}]}, "filter"),
    ],
)
def test_an_impossible_layer_is_refused(tmp_path: Path, change: dict[str, Any], word: str) -> None:
    table = {"architectures": ["LayeredNetwork"], "input": [3, 8, 8]}
    table["layers"] = [{"name": "a", "kind": "linear", "outputs": 4}]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**table, **change}))
    with pytest.raises(HwsimError, match=word):
        hwsim.network(path)
