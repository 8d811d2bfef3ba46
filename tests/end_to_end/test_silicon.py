"""Serving points: the scheduler's laws, and the error over the dense networks of the public sample."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType

import pytest

from hwsim.errors import InputError
from hwsim.experiments.end_to_end.silicon import (
    Point,
    error_table,
    main,
    package_folder,
    predict,
    read_points,
    report,
)
from hwsim.models.catalog import read_runtime

POINT = Point("p", "meta-llama/Llama-3.1-70B", "h100_sxm", "vllm", "fp8", 1024, 1024, 32, 4, 1, 0.2, 0.016)


@pytest.fixture(autouse=True)
def _package(require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("aiconfigurator_core", "validation")


def test_more_requests_never_give_a_token_sooner() -> None:
    runtime = read_runtime("serving")
    for backend in ("vllm", "sglang"):
        tokens = [predict(POINT._replace(batch=batch, backend=backend), runtime).token_s for batch in (1, 4, 16, 64)]
        assert tokens == sorted(tokens), backend


def test_one_request_alone_pays_for_no_prompt_between_its_tokens() -> None:
    runtime = read_runtime("serving")
    alone = POINT._replace(batch=1)
    short, long = (predict(alone._replace(output=output), runtime).token_s for output in (2, 64))
    assert short == pytest.approx(long, rel=0.02)  # 31 cached tokens apart
    assert predict(alone, runtime).first_s > predict(alone._replace(prompt=256), runtime).first_s


def test_waiting_prompts_of_a_prefill_first_scheduler_delay_the_first_token_and_spare_the_others() -> None:
    runtime = read_runtime("serving")
    mixing, first = (predict(POINT._replace(output=128, backend=backend), runtime) for backend in ("vllm", "sglang"))
    assert first.first_s > 2.0 * mixing.first_s
    assert first.token_s < mixing.token_s


def test_requests_whose_caches_do_not_fit_wait_for_their_first_token() -> None:
    runtime = read_runtime("serving")
    crowded = POINT._replace(prompt=8192, batch=256, tensor=2)
    prediction = predict(crowded, runtime)
    assert 1 <= prediction.admitted < 64
    assert predict(crowded._replace(batch=prediction.admitted), runtime).admitted == prediction.admitted
    assert prediction.first_s > 0.5 * crowded.output * prediction.token_s
    assert predict(POINT, runtime).admitted == POINT.batch


@pytest.mark.parametrize(
    ("change", "text"),
    [({"system": "gb300"}, "gb300"), ({"precision": "int4"}, "int4"), ({"pipeline": 2}, "pipeline")],
)
def test_a_point_that_cannot_be_predicted_is_refused_in_one_line(change: dict[str, object], text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        predict(POINT._replace(**change), read_runtime("serving"))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_dense_networks_are_served_within_the_bar_on_points_no_constant_was_fitted_to() -> None:
    points, left_out = read_points(package_folder())
    rows, failed = error_table(points, read_runtime("serving"))
    assert len(points) >= 1000
    assert len(points) + sum(left_out.values()) >= 5000
    assert not failed
    groups = report(rows)
    assert groups["all"]["token_median"] < 8.0
    assert groups["never fitted"]["token_median"] < 10.0
    assert not any(row[0].fitted for row in rows if row[0].system != "h100_sxm")


@pytest.mark.slow
def test_the_json_report_counts_every_row_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == told["predicted"] + sum(told["left_out"].values()) + sum(told["failed"].values())


def test_the_serving_profile_never_reduces_slower_than_the_library() -> None:
    serving = read_runtime("serving")
    for batch in (1, 8, 64):
        point = POINT._replace(batch=batch, tensor=8)
        assert predict(point, serving).token_s < predict(point, serving._replace(direct=0.0)).token_s
    one = POINT._replace(model="Qwen/Qwen3-32B", tensor=1)
    assert predict(one, serving).token_s == predict(one, serving._replace(direct=0.0)).token_s
