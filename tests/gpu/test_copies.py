"""Constants that a generation takes from another one: the catalog's files repeat them as their comments say."""

from __future__ import annotations

import tomllib

import pytest

from hwsim.experiments.calibration.copies import BASES, carried, copied, folder

FILES = {name: (folder() / f"{file}.toml").read_text(encoding="utf-8") for name, file in BASES.items()}
CATALOG = {name: tomllib.loads(text) for name, text in FILES.items()}


@pytest.mark.parametrize("architecture", sorted(path.stem for path in folder().glob("*.toml")))
def test_copies_of_fitted_constants_are_up_to_date(architecture: str) -> None:
    content = (folder() / f"{architecture}.toml").read_text(encoding="utf-8")
    assert carried(content, CATALOG) == content


def test_a_copy_is_the_constant_its_cycles_its_double_or_another_one() -> None:
    bases: dict[str, dict[str, dict[str, float | str]]] = {
        "Ampere": {"matmul": {"fixed": "3 us", "l2_bytes_per_cycle": 3000}, "quantise": {"fixed": "2 us"}}
    }
    assert copied("as Ampere; start", "matmul", "fixed", bases) == '"3 us"'
    assert copied("Ampere's cycles at 2.82 GHz; start", "matmul", "fixed", bases) == '"1.5 us"'
    assert copied("two dies, each with an L2 as Ampere's; reads", "matmul", "l2_bytes_per_cycle", bases) == "6000"
    assert copied("Ampere's quantise.fixed: why", "matmul", "fixed", bases) == '"2 us"'
    assert copied("looked at", "matmul", "fixed", bases) is None
