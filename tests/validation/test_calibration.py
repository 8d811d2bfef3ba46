"""The fit of matrix products: refuses devices it may not see, recovers constants, keeps provenance."""

from __future__ import annotations

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.experiments.calibration.matmul import STAGES, fit, plain, search


@pytest.mark.parametrize("device", ["h200-sxm-141gb", "b200-sxm-180gb", "l40s-48gb", "v100-sxm-32gb"])
def test_a_device_that_is_not_calibrated_is_refused(device: str) -> None:
    with pytest.raises(InputError, match="only devices of status calibrated"):
        fit(device, "matmul bf16", STAGES["matmul bf16"])


def test_the_search_finds_a_known_minimum_twice_the_same() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    goal = np.array([0.3, -0.2, 0.1])

    def error(point: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        return float(np.sum(np.abs(point - goal)))

    first = search(optimize.minimize, error, 3)
    assert first == pytest.approx(goal, abs=2e-3)
    assert np.array_equal(first, search(optimize.minimize, error, 3))


def test_numbers_are_written_without_exponents() -> None:
    assert plain("4.07e+03") == "4070"
    assert plain('"2.74 us"') == '"2.74 us"'
