from __future__ import annotations

import doctest
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.hardware import System
from hwsim.report import labels, roofline
from hwsim.report.figures import energy_bars, time_bars
from hwsim.report.labels import WIDTHS_PX, Box, Frame, Point, place_labels
from hwsim.result import Result

Results = Callable[..., Result]
Systems = Callable[..., System]
FRAME = Frame((-1.0, 4.0), (9.0, 15.0), 412.0, 262.0)


def label_box(label: labels.Label, width: float) -> Box:
    x, y = FRAME.at(label.point.x, label.point.y, width)
    half_width = max(map(len, label.lines)) * labels.CHARACTER_PX / 2
    return Box.around(x + label.dx, y + label.dy, half_width, len(label.lines) * labels.LINE_PX / 2)


@given(
    st.lists(
        st.builds(
            Point,
            st.text("abcdefgh_", min_size=1, max_size=40),
            st.floats(-0.9, 3.9),
            st.floats(9.1, 14.9),
            st.floats(4, 20),
            st.integers(0, 1),
        ),
        max_size=25,
    )
)
def test_labels_never_overlap_nor_leave_the_figure_at_any_width(points: list[Point]) -> None:
    placed = place_labels(points, FRAME)
    for width in WIDTHS_PX:
        boxes = [label_box(label, width) for label in placed]
        assert all(box.inside(width - FRAME.side_margins, FRAME.height) for box in boxes)
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_points_at_one_place_share_a_label_unless_they_are_of_two_results() -> None:
    points = [Point("one", 1, 12, 5), Point("two", 1, 12, 5), Point("three", 1, 12, 5, 1)]
    assert [label.lines for label in place_labels(points, FRAME)] == [("one, two",), ("three",)]


def test_the_roofline_holds_every_operator_that_computes(result_of: Results, system_of: Systems) -> None:
    results = [result_of("prefill"), result_of("decode")]
    named = " ".join(
        str(trace.hovertext) for trace in roofline.roofline(system_of().device, results).data if trace.mode == "markers"
    )
    for operator in results[0].operators:
        assert (f"<b>{operator.name}</b>" in named) == (operator.flops > 0)
    assert roofline.left_out(results) == ["embedding"]


def test_an_operator_stands_at_its_flops_a_byte_and_a_second_on_one_device(result_of: Results) -> None:
    result = result_of(parallel={"tp": 4, "pp": 1, "ep": 1})
    spot = next(spot for spot in roofline.spots([result]) if spot.operator.name == "gate_up")
    operator = spot.operator
    assert spot.intensity == operator.flops / operator.bytes
    assert math.isclose(spot.flops_per_s, operator.flops / operator.latency_s / 4)


def test_marker_areas_go_with_the_share_of_time() -> None:
    assert math.isclose(roofline._diameter(0.5) ** 2 / roofline._diameter(0.25) ** 2, 2.0)


def test_formats_of_equal_peak_share_a_roof_and_the_one_in_use_is_named_first(
    result_of: Results, system_of: Systems
) -> None:
    result = result_of(formats={"weights": "int4:g128", "activations": "fp16", "kv": "fp16"})
    roofs = roofline.peaks(system_of().device, [result])
    assert [used for _, _, used in roofs] == [False, True, False, False]
    assert roofs[1] == ("fp16, bf16", 312e12, True)


def trace_of(figure: Any) -> Any:
    return figure.data[0]


@pytest.mark.parametrize(("build", "field"), [(time_bars, "latency_s"), (energy_bars, "energy_j")])
def test_the_bars_add_up_to_the_result(build: Any, field: str, result_of: Results) -> None:
    result = result_of()
    many = tuple(replace(o, name=f"{o.name}_{i}") for i in range(4) for o in result.operators)
    for each in (result, replace(result, operators=many)):
        whole = sum(getattr(operator, field) for operator in each.operators)
        assert math.isclose(sum(trace_of(build(each)).x), whole)
        assert len(trace_of(build(each)).x) <= 15


def test_a_result_without_operators_still_gives_figures(result_of: Results, system_of: Systems) -> None:
    empty = result_of(operators=())
    assert time_bars(empty).data and roofline.roofline(system_of().device, [empty]).data


@pytest.mark.parametrize("module", [labels, roofline])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
