"""Laws of whole runs on every device: more work is never faster, more bandwidth or clock never slower."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim.errors import DoesNotFitError, InputError
from hwsim.models.catalog import field_units, list_devices, read_device

OWN_NETWORK = {"eyeriss": "alexnet", "lfads-u55c": "lfads"}  # what runs on devices that no language model fits
ROUNDING = 0.995  # tiles and waves are whole: a last one that is fuller may win back this much


def _phases(device: str) -> tuple[str, ...]:
    return ("forward",) if device in OWN_NETWORK else ("decode", "prefill")


def _run(device: str, overrides: dict[str, str] | None = None, **changes: Any) -> Any:
    asked = {"batch": 4, "prompt": 256, "context": 256, "weights": "int8", **changes}
    return hwsim.simulate(OWN_NETWORK.get(device, "opt-1.3b"), on=read_device(device, overrides or {}), **asked)


@pytest.mark.parametrize("device", list_devices())
def test_more_requests_never_take_less_time_or_energy(device: str) -> None:
    for phase in _phases(device):
        last_s = last_j = 0.0
        for batch in (1, 2, 3, 8, 64):
            try:
                result = _run(device, phase=phase, batch=batch)
            except DoesNotFitError:
                break
            assert result.latency_s >= ROUNDING * last_s and result.energy_j >= ROUNDING * last_j, (phase, batch)
            last_s, last_j = result.latency_s, result.energy_j


@pytest.mark.parametrize("device", [name for name in list_devices() if name not in OWN_NETWORK])
def test_more_tokens_never_take_less_time_or_energy(device: str) -> None:
    for phase in _phases(device):
        last_s = last_j = 0.0
        for tokens in (1, 16, 257, 2000):
            result = _run(device, phase=phase, prompt=tokens, context=tokens)
            assert result.latency_s >= ROUNDING * last_s and result.energy_j >= ROUNDING * last_j, (phase, tokens)
            last_s, last_j = result.latency_s, result.energy_j


@pytest.mark.parametrize("device", list_devices())
def test_more_bandwidth_or_clock_is_never_slower(device: str) -> None:
    found = read_device(device)
    units = field_units(found.family)
    faster = {
        path: getattr(found.record, field) * 1.3
        for path, field in found.record_paths.items()
        if units.get(path) in ("B/s", "Hz") and getattr(found.record, field)
    }
    assert faster
    for phase in _phases(device):
        before = _run(device, phase=phase).latency_s
        for path, value in faster.items():
            try:
                after = _run(device, {path: f"{value!r} {units[path]}"}, phase=phase).latency_s
            except InputError:  # a share of a bandwidth above the whole, refused on reading
                continue
            assert after <= before * 1.0001, (phase, path)
