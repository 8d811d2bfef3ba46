"""What a power meter shows of a kernel that repeats for less time than the meter averages over.

The public collection (aiconfigurator, Apache-2.0: ``collector/helper.py`` and the collectors of its vLLM family) times
a kernel's host-launched calls, chooses a number of repetitions from that, warms up, and takes samples of NVML's board
power 0.1 s apart while the kernel repeats; the reading is their mean. NVML's value is the mean of the last second on
these boards [1, 2]. The first sample is then all history and the tenth nine tenths the kernel: of a reading over a
second more than half is what ran before, of one over 0.1 s all.

1. NVIDIA, NVML API reference, nvmlDeviceGetPowerUsage: from Ampere on (GA100 apart) an average over one second
2. Yang, Adamek, Armour: Accurate and Convenient Energy Measurements for GPUs, SC 2024, doi 10.1109/SC41406.2024.00028
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.validation.targets import Floats

WINDOW_S = 1.0  # [1]
SAMPLE_S = 0.102  # 0.1 s, and the call that takes the sample
LONG_S, SHORT_S, SHORT_CALL_S = 1.0, 0.3, 1e-4  # a repetition of less than 0.1 ms is repeated for 0.3 s, else for 1 s
FEWEST, MOST = 6, 3000  # repetitions
WARM_UPS = 7  # repetitions before the first sample: one to load the kernels, three by the host, three as a graph
CALLS = {"gemm bfloat16": 6}  # kernels in a repetition, each with weights of its own
#: Seconds of the host to launch a kernel: repetitions are chosen by host-launched calls. fp8 products stay that way.
HOST_S = {"gemm bfloat16": 35e-6, "gemm fp8_block": 0.0}
ATTENTION_HOST_S = 60e-6
#: Between two kernels the next one's tensors are made: seconds, in which the board is idle. Those of attention are
#: fitted on rows not held out: python -m hwsim.experiments.calibration.power
SETUP_S = {"gemm": 0.005, "context_attention": 0.09, "generation_attention": 0.08}


def _by_family(family: NDArray[np.str_], table: Mapping[str, float], otherwise: float) -> Floats:
    return np.array([table.get(str(name), otherwise) for name in family])


def run_s(family: NDArray[np.str_], latency_s: Floats) -> Floats:
    """Seconds for which the collection repeats a kernel.

    >>> run_s(np.array(["gemm bfloat16", "gemm fp8_block"]), np.array([1e-3, 6e-5])).round(2).tolist()
    [1.0, 0.18]
    """
    calls = _by_family(family, CALLS, 1.0)
    once = calls * np.maximum(latency_s, _by_family(family, HOST_S, ATTENTION_HOST_S))
    wanted = np.where(once < SHORT_CALL_S, SHORT_S, LONG_S)
    repetitions: Floats = np.clip(np.floor(wanted / once) + 1.0, FEWEST, MOST)
    return repetitions * calls * latency_s


def warm_s(family: NDArray[np.str_], latency_s: Floats) -> Floats:
    """Seconds for which a kernel repeats before the first sample."""
    seconds: Floats = WARM_UPS * _by_family(family, CALLS, 1.0) * latency_s
    return seconds


def shares(run: Floats, before: Floats, setup: Floats) -> tuple[Floats, Floats]:
    """Shares of a reading that are the kernel's and its setup's; the rest is older.

    ``run`` seconds with samples, ``before`` of them without, ``setup`` before that.
    """
    samples = np.floor(run / SAMPLE_S) + 1.0
    time = SAMPLE_S * np.arange(int(samples.max()))[:, np.newaxis]
    taken = time <= run
    kernel = np.minimum(1.0, (time + before) / WINDOW_S)
    making = np.minimum(setup / WINDOW_S, 1.0 - kernel)
    return (kernel * taken).sum(axis=0) / samples, (making * taken).sum(axis=0) / samples


def own_share(family: NDArray[np.str_], latency_s: Floats) -> Floats:
    """Share of the reading that is the kernel's own."""
    run = run_s(family, latency_s)
    return shares(run, warm_s(family, latency_s), 0.0 * run)[0]


def kinds(family: NDArray[np.str_]) -> NDArray[np.str_]:
    """Kinds of kernels, without their formats."""
    return np.array([str(name).partition(" ")[0] for name in family])


def setup_s(family: NDArray[np.str_]) -> Floats:
    """Seconds before each kernel in which its tensors are made."""
    return _by_family(kinds(family), SETUP_S, 0.0)
