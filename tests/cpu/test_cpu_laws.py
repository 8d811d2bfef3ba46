"""Laws of processors: more of a resource is never slower, narrower formats neither; rooflines, power and batches."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.errors import InputError
from hwsim.models.catalog import read_device
from hwsim.models.cpu.cost import matrix_rate, operator_cost, vector_rate
from hwsim.models.cpu.record import Cpu
from hwsim.operators import Attention, Matmul, MixtureOfExperts, Softmax
from hwsim.rows import ARITHMETIC_CODES, COMPUTE, MEMORY, OperatorCost, OperatorRow, lower

NAMES = ("xeon-8480", "xeon-4214r", "xeon-gold-5220r", "epyc-7742", "graviton3", "apple-m1-max", "apple-m2-ultra")
RECORDS: dict[str, Cpu] = {name: read_device(name).record for name in NAMES}
MORE = (
    "cores", "clock_hz", "vector_fp32", "vector_16bit", "vector_int8", "matrix_fp32", "matrix_16bit", "matrix_int8",
    "unpack", "exponential", "cache_bytes", "memory_bandwidth_bytes_per_s", "bytes_in_flight_per_core",
)  # fmt: skip
LESS = ("memory_latency_s", "fixed_s", "energy_flop_j", "energy_narrow_flop_j", "energy_memory_byte_j")
SIZE = st.integers(1, 6000)
WEIGHTS = ("fp32", "fp16", "int8", "int4:g128", "int4:g32")
ARITHMETIC = ("fp32", "fp16", "bf16", "int8", "int4", "fp8_e4m3", "mxfp4")


@st.composite
def operators(draw: st.DrawFn) -> OperatorRow:
    kind, dtype = draw(st.integers(0, 3)), draw(st.sampled_from(("fp32", "bf16", "int8")))
    weights = draw(st.sampled_from(WEIGHTS))
    if kind == 0:
        return lower(Matmul(name="x", m=draw(SIZE), n=draw(SIZE), k=draw(SIZE), dtype=dtype, weight_dtype=weights))
    if kind == 1:
        query, past = draw(st.integers(1, 300)), draw(SIZE)
        return lower(
            Attention(name="x", batch=draw(st.integers(1, 9)), query_length=query, kv_length=query + past, heads=8,
                      kv_heads=2, head_dim=64, dtype="bf16")
        )  # fmt: skip
    if kind == 2:
        return lower(
            MixtureOfExperts(name="x", tokens=draw(SIZE), hidden=1024, intermediate=draw(SIZE), experts=8, top_k=2,
                             dtype=dtype, weight_dtype=weights)
        )  # fmt: skip
    return lower(Softmax(name="x", rows=draw(SIZE), columns=draw(SIZE)))


@settings(max_examples=120, deadline=None)
@given(row=operators(), name=st.sampled_from(NAMES), factor=st.floats(1.0, 4.0))
def test_more_of_a_resource_is_never_slower(row: OperatorRow, name: str, factor: float) -> None:
    cpu = RECORDS[name]
    base = operator_cost(cpu, row)
    for field in MORE + LESS:
        value = getattr(cpu, field) * factor if field in MORE else getattr(cpu, field) / factor
        if field == "cores":
            value = float(int(value))
        better = operator_cost(cpu._replace(**{field: value}), row)
        assert better.latency_s <= base.latency_s * (1 + 1e-9), field


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(NAMES), sizes=st.tuples(SIZE, SIZE, SIZE), more=st.integers(1, 70),
    weights=st.sampled_from(WEIGHTS), field=st.integers(0, 2),
)  # fmt: skip
def test_more_work_is_never_faster(name: str, sizes: tuple[int, int, int], more: int, weights: str, field: int) -> None:
    def seconds(m: int, n: int, k: int) -> float:
        row = lower(Matmul(name="x", m=m, n=n, k=k, dtype="bf16", weight_dtype=weights))
        return float(operator_cost(RECORDS[name], row).latency_s)

    larger = [size + more * (field == index) for index, size in enumerate(sizes)]
    assert seconds(*larger) >= seconds(*sizes) * (1 - 1e-9)


def test_threads_without_columns_take_rows() -> None:
    def found(m: int, n: int) -> OperatorCost:
        return operator_cost(RECORDS["epyc-7742"], lower(Matmul(name="x", m=m, n=n, k=4096, dtype="fp32")))

    assert found(65536, 64).compute_s == pytest.approx(found(64, 65536).compute_s)
    assert found(32, 64).compute_s == pytest.approx(found(1, 64).compute_s)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(NAMES), m=SIZE, n=SIZE, k=SIZE)
def test_fewer_bytes_a_weight_and_narrower_arithmetic_are_never_slower_where_the_same_units_widen(
    name: str, m: int, n: int, k: int
) -> None:
    cpu = RECORDS[name]

    def seconds(weights: str, dtype: str) -> float:
        return float(operator_cost(cpu, lower(Matmul(name="x", m=m, n=n, k=k, dtype=dtype, weight_dtype=weights)))[0])

    for dtype, widened in (("fp32", ("fp16", "int8", "int4:g32")), ("bf16", ("int8", "int4:g32", "int4:g128"))):
        times = [seconds(weights, dtype) for weights in widened]
        assert all(later <= earlier * (1 + 1e-9) for earlier, later in zip(times, times[1:], strict=False))
    for weights in ("int8", "int4:g128"):
        assert seconds(weights, "int8") <= seconds(weights, "bf16") * (1 + 1e-9)
        assert seconds(weights, "bf16") <= seconds(weights, "fp32") * (1 + 1e-9)
    assert seconds("fp32", "fp32") >= 4.0 * n * k / cpu.memory_bandwidth_bytes_per_s


@pytest.mark.parametrize("name", NAMES)
def test_a_format_without_hardware_has_the_rate_and_the_energy_of_a_wider_one(name: str) -> None:
    cpu = RECORDS[name]
    rates = {
        text: max(vector_rate(cpu, ARITHMETIC_CODES[text]), matrix_rate(cpu, ARITHMETIC_CODES[text]))
        for text in ARITHMETIC
    }
    assert rates["fp32"] <= rates["bf16"] == rates["fp16"] == rates["fp8_e4m3"] == rates["mxfp4"]
    assert rates["bf16"] <= rates["int8"] == rates["int4"]
    bare = cpu._replace(vector_16bit=0.0, vector_int8=0.0, matrix_16bit=0.0, matrix_int8=0.0)
    found = [operator_cost(bare, lower(Matmul(name="x", m=32, n=4096, k=4096, dtype=dtype, weight_dtype="int4")))
             for dtype in ("fp32", "bf16", "int8")]  # fmt: skip
    assert found[0].latency_s == pytest.approx(found[1].latency_s) == pytest.approx(found[2].latency_s)
    assert found[0].energy_j == pytest.approx(found[1].energy_j) == pytest.approx(found[2].energy_j)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_keeps_to_bandwidth_peak_and_power_and_a_batch_to_its_requests(name: str) -> None:
    device = hwsim.device(name)
    cpu = RECORDS[name]
    for weights, activations in (("int4:g128", "fp32"), ("int4:g128", "bf16"), ("int8", "int8"), ("bf16", "bf16")):
        before = None
        for batch in (1, 8, 64):
            found = hwsim.simulate(
                "llama-2-7b", on=device, phase="decode", batch=batch, context=128, weights=weights,
                activations=activations, kv="fp16",
            )  # fmt: skip
            stored = 6.6e9 * {"int4:g128": 0.5156, "int8": 1.0, "bf16": 2.0}[weights]
            assert found.latency_s > stored / cpu.memory_bandwidth_bytes_per_s
            assert cpu.idle_power_w <= found.energy_j / found.latency_s <= cpu.power_limit_w * (1 + 1e-9)
            if before is not None:
                assert before <= found.latency_s <= 8.0 * before
            before = found.latency_s
        prompt = hwsim.simulate(
            "llama-2-7b", on=device, phase="prefill", prompt=512, weights=weights, activations=activations, kv="fp16"
        )
        assert prompt.latency_s > 2.0 * 512 * 6.4e9 / device.peak_flops_per_s[activations]
        assert cpu.idle_power_w <= prompt.energy_j / prompt.latency_s <= cpu.power_limit_w * (1 + 1e-9)


def test_a_call_that_the_power_limit_stretches_is_bound_by_compute() -> None:
    cpu = RECORDS["xeon-8480"]
    row = lower(Matmul(name="x", m=1, n=8192, k=8192, weight_dtype="int8"))
    assert operator_cost(cpu, row).bound == MEMORY
    held = operator_cost(cpu._replace(power_limit_w=cpu.idle_power_w + 0.01), row)
    assert held.bound == COMPUTE
    assert held.energy_j / held.latency_s <= (cpu.idle_power_w + 0.01) * (1 + 1e-9)


def test_a_power_limit_that_idling_takes_is_refused() -> None:
    for limit in ("150 W", "90 W"):
        with pytest.raises(InputError, match="power.limit = .* must be more than power.idle = 150 W"):
            read_device("xeon-8480", {"power.limit": limit})
