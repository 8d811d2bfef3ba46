"""Generation is the prefill and every decode step, each with its own context, whatever the runtime."""

from __future__ import annotations

from pathlib import Path

import pytest

import hwsim
from hwsim.result import Result

DEVICE = "a100-sxm-80gb"


@pytest.fixture
def runtime(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    path = tmp_path / "host.toml"
    path.write_text(f'description = "test"\nhost = "1 us"\ngap = "0.5 us"\nlayer = "{request.param}"\n')
    return str(path)


def simulate(**workload: int | str) -> Result:
    return hwsim.simulate("qwen3-30b-a3b", on=DEVICE, **workload)  # type: ignore[arg-type]


@pytest.mark.parametrize("runtime", ["0 us", "80 us", "400 us"], indirect=True)
def test_a_generation_is_the_sum_of_a_prefill_and_its_steps_under_any_layer_floor(runtime: str) -> None:
    whole = simulate(phase="generate", prompt=300, output=6, runtime=runtime)
    prefill = simulate(phase="prefill", prompt=300, runtime=runtime)
    steps = [simulate(phase="decode", context=300 + index, runtime=runtime) for index in range(5)]
    assert whole.latency_s == pytest.approx(prefill.latency_s + sum(s.latency_s for s in steps), rel=1e-12)
    assert whole.energy_j == pytest.approx(prefill.energy_j + sum(s.energy_j for s in steps), rel=1e-12)
    assert whole.time_to_first_token_s == pytest.approx(prefill.latency_s, rel=1e-12)


@pytest.mark.parametrize("runtime", ["400 us"], indirect=True)
def test_a_layer_never_takes_less_than_the_host_needs_for_it(runtime: str) -> None:
    result = simulate(phase="decode", context=300, runtime=runtime)
    layers = hwsim.network("qwen3-30b-a3b").layers
    assert result.latency_s >= layers * 400e-6
    assert result.latency_s < layers * 400e-6 * 1.2


def test_a_window_that_fills_during_generation_is_seen_by_every_step() -> None:
    asked = {"on": "a100-sxm-80gb"}
    whole = hwsim.simulate("gemma-2-9b", phase="generate", prompt=4093, output=6, **asked)  # type: ignore[arg-type]
    steps = [hwsim.simulate("gemma-2-9b", phase="decode", context=4093 + i, **asked) for i in range(5)]  # type: ignore[arg-type]
    assert whole.time_per_output_token_s == pytest.approx(sum(s.latency_s for s in steps) / 5, rel=1e-12)
