"""One source, two uses: plain and compiled agree, and the compiled form follows its callees."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from hwsim.cost import compiled, cost_function, formula_sources


class Part(NamedTuple):
    rate: float
    width: float


@cost_function
def waves(part: Part, work: float) -> float:
    return -(-work // part.width)


@cost_function
def seconds(part: Part, work: float) -> float:
    return waves(part, work) * part.width / part.rate


def test_plain_and_compiled_agree() -> None:
    part = Part(3.0, 7.0)
    for work in (1.0, 7.0, 8.0, 1e6):
        assert compiled(seconds)(part, work) == pytest.approx(seconds(part, work), rel=1e-15)


def test_the_sources_of_a_formula_include_its_callees() -> None:
    assert [text.split("(")[0].split("def ")[1] for text in formula_sources(seconds)] == ["seconds", "waves"]


def test_an_unmarked_function_is_refused() -> None:
    with pytest.raises(TypeError, match="not marked"):
        compiled(lambda x: x)


def test_no_module_of_the_package_hides_a_function_of_the_front_door() -> None:
    import hwsim

    modules = {path.stem for path in (Path(hwsim.__file__).parent).glob("*.py")}
    assert modules & set(hwsim.__all__) == set()
