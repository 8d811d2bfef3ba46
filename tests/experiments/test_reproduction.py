"""The frame of `hwsim reproduce`: printed digits as intervals, errors, names, the JSON contract, the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.commands.app import run_app
from hwsim.errors import InputError, UnknownNameError
from hwsim.experiments import reproduction
from hwsim.experiments.reproduction import Row, error_summary, judged_errors, median_absolute_error, printed_interval

CONTRACT = {"system", "case", "metric", "given", "predicted", "published", "error", "judged", "source"}


def row(predicted: float | None, published: str, **more: Any) -> Row:
    fields: dict[str, Any] = {"system": "s", "case": "c", "metric": "speed", "unit": "token/s", "source": "nowhere"}
    return Row(**{**fields, "given": {"context": 1000}, **more}, predicted=predicted, published=published)


@pytest.fixture
def two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(0.31, "0.3"), row(None, "5", judged=False, note="no clock is stated")]
    monkeypatch.setattr(reproduction, "list_papers", lambda: ["cambricon-llm"])
    monkeypatch.setattr(reproduction, "paper_rows", lambda name: ("A system: a paper", rows))


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.3", 0.25, 0.35), ("36.34", 36.335, 36.345), ("65", 64.5, 65.5), ("1,024", 1023.5, 1024.5),
        ("0.30", 0.295, 0.305), ("2e-4", 1.5e-4, 2.5e-4), ("22-45", 21.5, 45.5), (">1000", 1000.0, float("inf")),
        ("<1", float("-inf"), 1.0), ("7.", 6.5, 7.5),
    ],
)  # fmt: skip
def test_a_printed_figure_is_the_interval_its_digits_allow(text: str, low: float, high: float) -> None:
    assert printed_interval(text) == (low, high)


@pytest.mark.parametrize("text", ["", "fast", "1.2.3", "3 x", "22-", ">"])
def test_a_text_that_is_no_figure_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="published figure"):
        printed_interval(text)


def test_the_error_is_zero_inside_and_measured_from_the_nearer_edge_outside() -> None:
    assert row(0.26, "0.3").error == 0.0
    assert row(0.42, "0.3").error == pytest.approx(0.2)
    assert row(0.2, "0.3").error == pytest.approx(-0.2)
    assert row(2000.0, ">1000").error == 0.0
    assert row(900.0, ">1000").error == pytest.approx(-0.1)


@given(st.integers(1, 10**6), st.floats(0.0, 1e7))
def test_the_error_never_exceeds_the_plain_relative_error(published: int, predicted: float) -> None:
    error = row(predicted, str(published)).error
    assert error is not None
    assert abs(error) * (published - 0.5) <= abs(predicted - published) + 1e-6
    assert error == 0.0 or (error > 0.0) == (predicted > published)


def test_a_row_without_a_prediction_may_not_be_judged_and_says_why() -> None:
    with pytest.raises(InputError, match="not judged"):
        row(None, "5")
    with pytest.raises(InputError, match="not judged"):
        row(None, "5", judged=False)
    assert row(None, "5", judged=False, note="no clock").error is None


def test_a_prediction_without_a_published_figure_is_shown_but_not_judged() -> None:
    with pytest.raises(InputError, match="not judged"):
        row(5.0, "")
    shown = row(5.0, "", judged=False).to_dict()
    assert (shown["published"], shown["error"], shown["predicted"]) == (None, None, 5.0)


def test_the_median_counts_judged_rows_only() -> None:
    rows = [row(1.0, "1.0"), row(2.1, "2.0", case="d"), row(99.0, "1.0", judged=False)]
    assert median_absolute_error(rows) == pytest.approx((2.1 / 2.05 - 1.0) / 2.0)
    assert median_absolute_error(rows[2:]) is None
    assert judged_errors(rows) == {"c: speed": 0.0, "d: speed": pytest.approx(2.1 / 2.05 - 1.0)}


def test_a_judged_row_without_an_error_and_two_rows_of_one_name_are_refused() -> None:
    lost = row(1.0, "1.0")
    object.__setattr__(lost, "predicted", None)
    with pytest.raises(InputError, match="judged and has no error"):
        judged_errors([lost])
    with pytest.raises(InputError, match="judged and has no error"):
        median_absolute_error([row(1.0, "1.0", case="d"), lost])
    with pytest.raises(InputError, match="twice"):
        judged_errors([row(1.0, "1.0"), row(1.0, "1.0")])


def test_the_summary_has_the_median_the_mean_the_90th_percentile_and_the_rows_within_10_percent() -> None:
    rows = [row(100.5 + each, "100", case=f"{each} %") for each in (0, 5, 10, 20, 400)]
    found = error_summary(rows)
    assert found is not None
    assert (found.within, found.rows) == (3, 5)
    assert found.median == pytest.approx(10 / 100.5) and found.mean == pytest.approx(87 / 100.5)
    assert found.ninetieth == pytest.approx(400 / 100.5)
    assert error_summary([row(1.0, "1.0", judged=False)]) is None


def test_an_unknown_system_is_one_line_with_the_nearest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduction, "list_papers", lambda: ["cambricon-llm"])
    with pytest.raises(UnknownNameError, match="did you mean 'cambricon-llm'"):
        reproduction.paper_rows("cambricon-lm")


def test_no_name_and_a_wrong_name_end_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["reproduce"]) == 2
    assert "--all" in capsys.readouterr().err
    assert run_app(["reproduce", "no-such-system"]) == 2
    assert "no-such-system" in capsys.readouterr().err


def test_the_json_is_a_list_with_the_keys_of_the_contract(two_rows: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["reproduce", "--all", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(set(each) >= CONTRACT for each in rows)
    assert (rows[0]["published"], rows[0]["error"], rows[0]["judged"]) == (0.3, 0.0, True)
    assert (rows[1]["predicted"], rows[1]["error"], rows[1]["judged"]) == (None, None, False)


def test_the_page_holds_every_row_and_needs_no_network(
    two_rows: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert run_app(["reproduce", "cambricon-llm", "--report", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "no clock is stated" in text and "0.310 token/s" in text and 'src="http' not in text
    printed = capsys.readouterr().out
    summary = "median absolute error 0.0 % of 1 judged rows; mean 0.0 %, 90th percentile 0.0 %, 1 within 10 %"
    assert summary in printed and f"All systems: {summary}" in printed
    assert "-*1" in printed and "*1: no clock is stated" in printed


def test_every_module_of_the_folder_has_a_title_and_rows() -> None:
    for name in reproduction.list_papers():
        module = __import__(f"hwsim.experiments.papers.{name.replace('-', '_')}", fromlist=["TITLE"])
        assert isinstance(module.TITLE, str) and callable(module.rows), name
