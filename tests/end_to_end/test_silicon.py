"""Serving points: the scheduler's laws, and the error over the dense networks of the public sample."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType

import pytest

from hwsim.errors import InputError
from hwsim.experiments.end_to_end.formats import formats_of, stored
from hwsim.experiments.end_to_end.points import Point, Pool, counted_once, package_folder, read_points
from hwsim.experiments.end_to_end.silicon import DENSE, error_table, kind_of, main, predict, report, steps_to_a_look
from hwsim.mappers.networks import read_network
from hwsim.models.catalog import read_runtime
from hwsim.operators import Attention, Matmul, MixtureOfExperts

POOL = Pool(tensor=4, batch=32)
POINT = Point("p", "meta-llama/Llama-3.1-70B", "h100_sxm", "vllm", "fp8", 1024, 1024, 32, POOL, None, 0.2, 0.016)


@pytest.fixture(autouse=True)
def _package(require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("aiconfigurator_core", "validation")


def test_more_requests_never_give_a_token_sooner() -> None:
    runtime = read_runtime("serving")
    for backend in ("vllm", "sglang"):
        points = [POINT._replace(pool=POOL._replace(batch=batch), backend=backend) for batch in (1, 4, 16, 64)]
        tokens = [predict(point, runtime).token_s for point in points]
        assert tokens == sorted(tokens), backend


def test_one_request_alone_pays_for_no_prompt_between_its_tokens() -> None:
    runtime = read_runtime("serving")
    alone = POINT._replace(pool=POOL._replace(batch=1))
    short, long = (predict(alone._replace(output=output), runtime).token_s for output in (2, 64))
    assert short == pytest.approx(long, rel=0.02)  # 31 cached tokens apart
    assert predict(alone, runtime).first_s > predict(alone._replace(prompt=256), runtime).first_s


def test_waiting_prompts_of_a_prefill_first_scheduler_delay_the_first_token_and_spare_the_others() -> None:
    runtime = read_runtime("serving")
    mixing, first = (predict(POINT._replace(output=128, backend=backend), runtime) for backend in ("vllm", "sglang"))
    assert first.first_s > 2.0 * mixing.first_s
    assert first.token_s < mixing.token_s


def test_requests_of_many_lengths_run_in_no_waves_and_each_prompt_stops_every_other_request() -> None:
    runtime = read_runtime("serving")
    equal = POINT._replace(output=128, backend="sglang", prompt=900)
    spread = equal._replace(prompt=1000, shortest=0.8, output=142)
    assert (spread.mean_prompt, spread.mean_output) == (900, 128)
    waves, single = predict(equal, runtime), predict(spread, runtime)
    assert single.first_s < 0.5 * waves.first_s
    decode_s = predict(equal._replace(prefill=Pool(tensor=4)), runtime).token_s
    assert single.token_s - decode_s == pytest.approx(2.0 * (waves.token_s - decode_s))


def test_a_scheduler_that_looks_at_new_requests_every_few_steps_delays_the_first_token_alone() -> None:
    runtime = read_runtime("serving")
    h200 = POINT._replace(model="Qwen/Qwen3.5-397B-A17B", system="h200_sxm", backend="sglang", shortest=0.8)
    slow = h200._replace(system="b200_sxm")
    equal = slow._replace(model="zhipuai/GLM-5")
    assert [steps_to_a_look(each) for each in (h200, equal, slow, slow._replace(concurrency=15))] == [1, 1, 30, 10]
    few, many = predict(slow._replace(concurrency=15), runtime), predict(slow, runtime)
    assert few.token_s == many.token_s
    assert many.first_s - few.first_s > 10.0 * many.token_s


def test_runs_with_fixed_lengths_and_runs_of_inferencemax_are_told_apart() -> None:
    points = read_points(package_folder())
    assert {point.shortest for point in points if point.model == "Qwen/Qwen3-32B"} == {1.0}
    spread = [point for point in points if point.shortest == 0.8]
    assert len(spread) > 3000
    assert {point.prompt for point in spread} | {point.output for point in spread} == {1024, 8192}


def test_requests_whose_caches_do_not_fit_wait_for_their_first_token() -> None:
    runtime = read_runtime("serving")
    crowded = POINT._replace(prompt=8192, pool=Pool(tensor=2, batch=256))
    prediction = predict(crowded, runtime)
    assert 1 <= prediction.admitted < 64
    fitting = crowded._replace(pool=Pool(tensor=2, batch=prediction.admitted))
    assert predict(fitting, runtime).admitted == prediction.admitted
    assert prediction.first_s > 0.5 * crowded.output * prediction.token_s
    assert predict(POINT, runtime).admitted == POOL.batch


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"system": "tpu"}, "tpu"),
        ({"precision": "int2"}, "int2"),
        ({"pool": POOL._replace(pipeline=2)}, "pipeline"),
        ({"pool": POOL._replace(workers=0, batch=0), "prefill": Pool(tensor=4, workers=0)}, "workers of two pools"),
    ],
)
def test_a_point_that_cannot_be_predicted_is_refused_in_one_line(change: dict[str, object], text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        predict(POINT._replace(**change), read_runtime("serving"))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_prompts_on_other_devices_never_slow_the_tokens_and_queue_where_they_are_too_slow() -> None:
    runtime = read_runtime("serving")
    together = predict(POINT, runtime)
    apart = predict(POINT._replace(prefill=Pool(tensor=4)), runtime)
    assert apart.token_s < together.token_s
    more = predict(POINT._replace(prefill=Pool(tensor=4, workers=4)), runtime)
    assert more.first_s <= apart.first_s
    flooded = POINT._replace(prefill=Pool(tensor=4), prompt=8192, output=16)
    served = predict(flooded, runtime)
    spent_s = served.first_s + flooded.output * served.token_s
    assert flooded.concurrency / spent_s < 1.1 / predict(flooded._replace(concurrency=1), runtime).first_s * 1.1


def test_degrees_that_the_sample_multiplies_twice_are_counted_once() -> None:
    assert counted_once(64, 1, 8, 8, "dsr1_tp8_ep8") == (8, 1, 8)
    assert counted_once(1, 16, 4, 4, "dsr1_tp4_ep4") == (1, 4, 4)
    assert counted_once(4, 4, 1, 16, "minimax_tp4_ep4") == (1, 4, 4)
    assert counted_once(4, 1, 2, 2, "qwen3_tp4_epnone") == (4, 1, 2)
    assert counted_once(8, 1, 1, 8, "dsr1") == (8, 1, 8)
    points = {point.name: point for point in read_points(package_folder())}
    twice = [
        point for point in points.values()
        if point.model.startswith("deepseek") and point.system == "b200_sxm" and point.token_s == 0.023228120792663045
    ]  # fmt: skip
    assert len({point.pool for point in twice}) == 1  # one measurement, listed both ways


def test_a_run_listed_twice_takes_its_workers_from_the_listing_that_states_them() -> None:
    points = read_points(package_folder())
    apart = [point for point in points if point.prefill is not None]
    assert sum(point.stated for point in apart) > 550  # 274 of them state their workers
    assert all(point.pool.workers > 0 for point in apart if point.stated)


def test_a_checkpoint_of_four_bits_keeps_its_head_and_attention_wide_where_only_experts_are_narrow() -> None:
    formats = formats_of("openai/gpt-oss-120b", "fp4", "h100_sxm")
    assert (formats.weights, formats.activations) == ("mxfp4", "bf16")
    net = stored(read_network("gpt-oss-20b"), formats)
    graph = net.graph(phase="decode", batch=4, context=64, weights="mxfp4", activations="bf16", kv="bf16")
    for node in graph:
        if isinstance(node.operator, Matmul):
            assert node.operator.weight_dtype == "bf16"
        if isinstance(node.operator, MixtureOfExperts):
            assert node.operator.weight_dtype == "mxfp4"
    narrow = stored(read_network("llama-3-8b"), formats_of("Llama", "fp8", "h100_sxm")).graph(
        phase="decode", batch=4, context=64, weights="fp8_e4m3", activations="fp8_e4m3", kv="fp8_e4m3"
    )
    kept = {node.operator.name: node.operator for node in narrow}
    assert formats_of("deepseek-ai/DeepSeek-V3", "fp8", "h100_sxm").scaling == "block"
    assert kept["lm_head"].dtype == "bf16"
    assert kept["down"].dtype == "fp8_e4m3"
    assert all(each.dtype == "bf16" for each in kept.values() if not isinstance(each, Matmul | Attention))


@pytest.mark.slow
def test_dense_networks_are_served_within_the_bar_on_points_no_constant_was_fitted_to() -> None:
    points = [point for point in read_points(package_folder()) if point.model in DENSE and point.prefill is None]
    assert len(points) >= 1000
    rows, failed = error_table(points[::4], read_runtime("serving"))
    assert not failed
    groups = report(rows)
    assert groups["dense, one pool"]["token_median"] < 8.0
    assert groups["dense, one pool, never fitted"]["token_median"] < 10.0
    assert not any(row[0].fitted for row in rows if row[0].system != "h100_sxm")


@pytest.mark.slow
def test_mixtures_of_experts_are_served_within_a_fifth_though_no_constant_was_fitted_to_any() -> None:
    points = [point for point in read_points(package_folder()) if point.model not in DENSE][::40]
    rows, failed = error_table(points, read_runtime("serving"))
    assert len(rows) + sum(failed.values()) == len(points)
    groups = report(rows)
    assert groups["experts, one pool"]["token_median"] < 20.0
    assert all(kind_of(row[0]) in groups for row in rows)


@pytest.mark.slow
def test_the_json_report_counts_every_row_that_it_looks_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--every", "100"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == told["predicted"] + sum(told["failed"].values()) == 53


def test_the_serving_profile_never_reduces_slower_than_the_library() -> None:
    serving = read_runtime("serving")
    for batch in (1, 8, 64):
        point = POINT._replace(pool=Pool(tensor=8, batch=batch))
        direct, library = (predict(point, serving._replace(direct=flag)).token_s for flag in (1.0, 0.0))
        assert direct < library if batch == 1 else direct <= library
    one = POINT._replace(model="Qwen/Qwen3-32B", pool=Pool(tensor=1, batch=32))
    assert predict(one, serving).token_s == predict(one, serving._replace(direct=0.0)).token_s
