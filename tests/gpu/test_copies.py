"""Constants that a generation takes from another one: the catalog's files repeat them as their comments say."""

from __future__ import annotations

import tomllib

import pytest

import hwsim
from hwsim.experiments.calibration.copies import BASES, carried, copied, folder

FILES = {name: (folder() / f"{file}.toml").read_text(encoding="utf-8") for name, file in BASES.items()}
CATALOG = {name: tomllib.loads(text) for name, text in FILES.items()}


@pytest.mark.parametrize("architecture", sorted(path.stem for path in folder().glob("*.toml")))
def test_copies_of_fitted_constants_are_up_to_date(architecture: str) -> None:
    content = (folder() / f"{architecture}.toml").read_text(encoding="utf-8")
    assert carried(content, CATALOG) == content


def test_a_copy_is_the_constant_its_cycles_or_its_double() -> None:
    bases: dict[str, dict[str, dict[str, float | str]]] = {
        "Ampere": {"matmul": {"fixed": "3 us", "l2_bytes_per_cycle": 3000}}
    }
    assert copied("as Ampere; start", "matmul", "fixed", bases) == '"3 us"'
    assert copied("Ampere's cycles at 2.82 GHz; start", "matmul", "fixed", bases) == '"1.5 us"'
    assert copied("two dies, each with an L2 as Ampere's; reads", "matmul", "l2_bytes_per_cycle", bases) == "6000"
    assert copied("looked at", "matmul", "fixed", bases) is None


def test_a_changed_fit_of_attention_or_experts_reaches_the_generations_that_count_its_cycles() -> None:
    bases: dict[str, dict[str, dict[str, float | str]]] = {
        "Ampere": {"attention": {"ramp": "11 us"}}, "Hopper": {"moe": {"achieved": 0.8}}
    }  # fmt: skip
    content = (
        '[attention]\nramp = "5.6 us"  # (assumption) Ampere\'s cycles at 2.52 GHz\n'
        "[moe]\nachieved = 0.704  # (assumption) as Hopper\n"
    )
    assert carried(content, bases) == content.replace("5.6 us", "6.15 us").replace("0.704", "0.8")


def test_a_generation_takes_the_kernels_of_another_where_it_says_nothing_else() -> None:
    v100, a100, b200, h100 = map(hwsim.device, ("v100-sxm-32gb", "a100-sxm-80gb", "b200-sxm-180gb", "h100-sxm-80gb"))
    assert v100.record.matmul_step_cycles == a100.record.matmul_step_cycles != h100.record.matmul_step_cycles
    assert b200.record.matmul_store_cycles == h100.record.matmul_store_cycles
    assert v100.record.quantise_row_s == h100.record.quantise_row_s  # Ampere's in turn
    assert v100.record.matmul_fixed_s != a100.record.matmul_fixed_s  # its own
    assert v100.record.l2_partitions == 1.0 != a100.record.l2_partitions  # hardware is never taken over
    assert v100.sources["matmul.step_cycles"].startswith("as ampere: fitted: python -m hwsim.experiments.calibration")
