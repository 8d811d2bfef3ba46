from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from hwsim.engine.workload import read_parallel
from hwsim.hardware import System
from hwsim.report.quantities import quantity, share
from hwsim.report.summary import command, devices_used
from hwsim.report.tables import comparison_rows, print_comparison, print_result
from hwsim.result import Result

Results = Callable[..., Result]
Systems = Callable[..., System]


def printed(result: Result, system: System, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_result(result, system, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_every_operator_has_a_line_with_its_numbers(width: int, result_of: Results, system_of: Systems) -> None:
    result = result_of()
    lines = printed(result, system_of(), width).splitlines()
    for operator in result.operators:
        line = next(line for line in lines if line.split()[:1] == [operator.name])
        for text in (
            str(operator.count), quantity(operator.latency_s, "s"), share(operator.latency_s, result.latency_s),
            quantity(operator.bytes, "B"), operator.bound,
        ):  # fmt: skip
            assert text in line


def test_operators_stand_in_the_order_of_the_graph(result_of: Results, system_of: Systems) -> None:
    result = result_of()
    text = printed(result, system_of())
    places = [text.index(f"\n {operator.name} ") for operator in result.operators]
    assert places == sorted(places)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_wider_than_the_console_and_none_is_coloured_when_piped(
    width: int, result_of: Results, system_of: Systems
) -> None:
    text = printed(result_of("prefill"), system_of(), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text and "…" not in text


def test_the_totals_say_latency_energy_memory_shares_batch_and_basis(result_of: Results, system_of: Systems) -> None:
    result = result_of()
    text = " ".join(printed(result, system_of(), 120).split())
    assert f"Latency {quantity(result.latency_s, 's')}" in text
    assert f"{quantity(result.energy_j, 'J')}/token" in text
    assert "of 80.0 GB (17.5 %): weights 13.5 GB, KV 537 MB, activations 2.30 MB" in text
    assert "1.2 % of 312 TFLOP/s (bf16)" in text and "81.2 % of 2.00 TB/s" in text
    assert "Largest batch 123" in text and "unvalidated" in text


def test_a_generation_shows_the_first_token_and_the_time_a_token(result_of: Results, system_of: Systems) -> None:
    result = replace(result_of(), phase="generate", time_to_first_token_s=0.05, time_per_output_token_s=0.01)
    text = " ".join(printed(result, system_of()).split())
    assert "Time to first token 50.0 ms" in text and "Time per output token 10.0 ms" in text


def test_warnings_are_printed(result_of: Results, system_of: Systems) -> None:
    assert "beyond the limit" in printed(result_of(warnings=("9000 tokens are beyond the limit",)), system_of())


def test_text_in_brackets_is_not_read_as_markup(result_of: Results, system_of: Systems) -> None:
    assert "[red]net[/red]" in printed(result_of(network="[red]net[/red]"), system_of())


def test_a_comparison_has_a_column_for_each_device(result_of: Results) -> None:
    console = Console(file=io.StringIO(), width=80)
    fast = result_of(device="fast-device")
    print_comparison([result_of(), replace(fast, latency_s=fast.latency_s / 2)], console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "test-device" in text and "fast-device" in text and "2.00x" in text


def test_a_comparison_shows_how_sure_each_latency_is(result_of: Results) -> None:
    rows = dict((row[0], row[1:]) for row in comparison_rows([result_of(low_s=0.009, high_s=0.012), result_of()]))
    assert rows["10-90 %"] == ("9.00 ms to 12.0 ms", "-")
    assert "10-90 %" not in dict((row[0], row) for row in comparison_rows([result_of(), result_of()]))


@pytest.mark.parametrize(
    ("parallel", "devices", "words"),
    [
        ({"tp": 2, "pp": 1, "ep": 2}, 4, "--parallel tp=2,ep=2"),
        ({"tp": 8, "pp": 1, "ep": 8, "dp": 1}, 8, "--parallel tp=8,ep=8,dp=1"),
        ({"tp": 1, "pp": 4, "ep": 1}, 4, "--parallel pp=4"),
    ],
)
def test_the_devices_and_the_command_are_those_of_the_cut(
    result_of: Results, parallel: dict[str, int], devices: int, words: str
) -> None:
    result = result_of(parallel=parallel)
    assert devices_used(result) == devices == read_parallel(parallel).devices
    assert words in command(result)
