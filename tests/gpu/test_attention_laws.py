"""Laws of attention on every GPU of the catalog, over random shapes: more of a resource, more work, one answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.cost import compiled
from hwsim.models.catalog import list_devices, read_device
from hwsim.models.gpu.record import Gpu
from hwsim.operators import Attention, Norm, Softmax
from hwsim.rows import OperatorRow, lower

DEVICES = {name: read_device(name) for name in list_devices() if read_device(name).family == "gpu"}
LARGER = {
    "SMs": ("sm_count",), "bandwidth": ("memory_bandwidth_bytes_per_s",), "L2": ("l2_bytes",),
    "L2 rate": ("l2_bandwidth_bytes_per_cycle",), "power": ("power_limit_w",),
    "clock": ("clock_hz", "power_limit_w"), "tensor rate": ("rate_fp16", "rate_fp8", "power_limit_w"),
    "exponentials": ("exponential_rate", "power_limit_w"),
}  # fmt: skip
PARTS = 0.15  # a key more than 512 lets Blackwell's kernels cut a KV into one more part
STEP = 0.01  # a query more may move a tile, whose KV is then cut into other parts


def grown(gpu: Gpu, resource: str, factor: float) -> Gpu:
    """A GPU with more of a resource; a faster clock gets the power that it draws."""
    changed = {field: getattr(gpu, field) * factor for field in LARGER[resource]}
    if resource == "SMs":
        changed["sm_count"] = float(np.ceil(changed["sm_count"]))
    if "power_limit_w" in changed and resource != "power":
        changed["power_limit_w"] = gpu.power_limit_w * factor**3 + 1e6
    return gpu._replace(**changed)


def flat(**shape: Any) -> OperatorRow:
    return OperatorRow(*map(float, lower(Attention(name="a", **shape))))


shapes = st.fixed_dictionaries({
    "batch": st.integers(1, 256), "kv_length": st.integers(1, 32768), "kv_heads": st.sampled_from([1, 2, 8, 32]),
    "group": st.sampled_from([1, 4, 5, 8, 16, 64]), "head_dim": st.sampled_from([64, 80, 128, 192, 256, 512]),
    "window": st.sampled_from([0, 0, 128, 1024]), "kv_dtype": st.sampled_from(["bf16", "fp8_e4m3"]),
    "share": st.sampled_from([0.0, 0.0, 0.3, 1.0]), "kv_sets": st.sampled_from([0.0, 1.0]),
})  # fmt: skip


def arguments(shape: dict[str, Any]) -> dict[str, Any]:
    """Arguments of the operator: decode where the share of new tokens is 0."""
    rest = {name: value for name, value in shape.items() if name not in ("group", "share")}
    return {
        **rest, "heads": shape["kv_heads"] * shape["group"],
        "query_length": max(1, int(shape["share"] * shape["kv_length"])),
    }  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    device=st.sampled_from(sorted(DEVICES)), shape=shapes, resource=st.sampled_from(sorted(LARGER)),
    factor=st.sampled_from([1.01, 1.3, 2.0]),
)  # fmt: skip
def test_more_of_a_resource_is_never_slower(device: str, shape: dict[str, Any], resource: str, factor: float) -> None:
    model, row = DEVICES[device], flat(**arguments(shape))
    more = grown(model.record, resource, factor)
    less = model.record
    if resource in ("clock", "tensor rate", "exponentials"):
        less = less._replace(power_limit_w=more.power_limit_w)
    assert model.cost(more, row).latency_s <= model.cost(less, row).latency_s * (1.0 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(
    device=st.sampled_from(sorted(DEVICES)), rows=st.integers(1, 100_000), columns=st.integers(16, 20_000),
    kind=st.sampled_from([Norm, Softmax]), resource=st.sampled_from(sorted(LARGER)),
    factor=st.sampled_from([1.01, 1.3]),
)  # fmt: skip
def test_more_of_a_resource_makes_no_norm_slower(
    device: str, rows: int, columns: int, kind: type[Norm] | type[Softmax], resource: str, factor: float
) -> None:
    model, row = DEVICES[device], lower(kind(name="n", rows=rows, columns=columns))
    more = grown(model.record, resource, factor)
    less = model.record
    if resource in ("clock", "tensor rate", "exponentials"):
        less = less._replace(power_limit_w=more.power_limit_w)
    assert model.cost(more, row).latency_s <= model.cost(less, row).latency_s * (1.0 + 1e-9)


@settings(max_examples=200, deadline=None)
@given(
    device=st.sampled_from(sorted(DEVICES)), shape=shapes, times=st.sampled_from([1, 2]),
    grows=st.sampled_from(["batch", "kv_length", "window", "kv_heads", "group", "query_length"]),
)  # fmt: skip
def test_more_work_is_never_faster(device: str, shape: dict[str, Any], grows: str, times: int) -> None:
    """Within a tile for queries; a larger group packs fewer positions into a tile, which sees less of a window."""
    model, before = DEVICES[device], arguments(shape)
    after = dict(before)
    if grows == "group":
        after["heads"] = 2 * before["heads"]
    elif grows == "kv_heads":
        after |= {"heads": 2 * before["heads"], "kv_heads": 2 * before["kv_heads"]}
    elif grows == "window":
        after["window"] = before["window"] and before["window"] + (1 if times == 1 else before["window"])
    elif grows == "query_length" and before["query_length"] > 1:  # a prompt that follows a longer one
        after["query_length"] = min(before["kv_length"], before["query_length"] + 64 * times)
    elif grows in ("batch", "kv_length"):
        after[grows] = before[grows] + (1 if times == 1 else before[grows])
    slack = 0.1 if grows == "group" and before["window"] else STEP if grows == "query_length" else 1e-9
    if model.record.attention_cluster > 0.0 and grows in ("kv_length", "window"):
        slack = PARTS
    seconds = [model.cost(model.record, flat(**each)).latency_s for each in (before, after)]
    assert seconds[1] >= seconds[0] * (1.0 - slack)


@settings(max_examples=20, deadline=None)
@given(st.lists(shapes, min_size=2, max_size=6), st.sampled_from(["l40s-48gb", "b200-sxm-180gb", "mi300x-192gb"]))
def test_one_shape_alone_in_an_array_or_compiled_takes_the_same_time(
    several: list[dict[str, Any]], device: str
) -> None:
    model = DEVICES[device]
    given_ = [{**arguments(shape), "kv_dtype": "bf16"} for shape in several]
    numbers = {name: [each[name] for each in given_] for name in given_[0] if name not in ("kv_dtype", "kv_sets")}
    together = hwsim.estimate(device, "attention", dtype="bf16", kv_dtype="bf16", **numbers).latency_s
    for each, found in zip(given_, together, strict=True):
        row = flat(**{**each, "kv_sets": 1.0})
        alone = {name: each[name] for name in numbers}
        assert float(hwsim.estimate(device, "attention", dtype="bf16", **alone).latency_s) == found
        assert model.cost(model.record, row).latency_s == pytest.approx(found, rel=1e-12)
        assert compiled(model.cost)(model.record, row).latency_s == pytest.approx(found, rel=1e-9)
