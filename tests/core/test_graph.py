"""Graphs: they check themselves, fold repeats and can be unfolded without losing anything."""

from __future__ import annotations

import pytest

from hwsim.errors import InputError
from hwsim.graph import OperatorGraph
from hwsim.operators import Elementwise, Matmul, Norm


def layered(layers: int = 3) -> OperatorGraph:
    graph = OperatorGraph("toy")
    graph.add(Norm(name="embed", rows=4, columns=8))
    block = graph.add_block("layers", layers)
    graph.add(Matmul(name="up", m=4, n=16, k=8), after=["embed"], block=block)
    graph.add(Elementwise(name="act", elements=64), after=["up"], block=block)
    graph.add(Matmul(name="down", m=4, n=8, k=16), after=["act"], block=block)
    graph.add(Norm(name="final", rows=4, columns=8), after=["down"])
    graph.add(Matmul(name="head", m=1, n=50, k=8), slices=["final"])
    return graph.validate()


def test_unfolding_conserves_operations_parameters_and_weight_bytes() -> None:
    folded, whole = layered(), layered().unfolded().validate()
    assert len(whole) == 3 + 3 * 3
    assert (whole.flops, whole.parameters, whole.weight_bytes) == (folded.flops, folded.parameters, folded.weight_bytes)


def test_copies_of_a_block_follow_each_other() -> None:
    whole = layered().unfolded()
    assert whole.predecessors("up[0]") == ["embed"]
    assert whole.predecessors("up[2]") == ["down[1]"]
    assert whole.predecessors("final") == ["down[2]"]


def test_an_edge_whose_ends_disagree_is_refused_with_both_names() -> None:
    graph = OperatorGraph("bad")
    graph.add(Matmul(name="one", m=4, n=16, k=8))
    graph.add(Matmul(name="two", m=4, n=8, k=15), after=["one"])
    with pytest.raises(InputError, match="'one' gives 64 elements, but 'two' reads 60"):
        graph.validate()


def test_a_slice_may_be_smaller_but_not_larger() -> None:
    graph = OperatorGraph("bad")
    graph.add(Norm(name="one", rows=4, columns=8))
    graph.add(Matmul(name="two", m=5, n=8, k=8), slices=["one"])
    with pytest.raises(InputError, match="reads 40"):
        graph.validate()


def test_names_blocks_and_inputs_are_checked_when_added() -> None:
    graph = layered()
    with pytest.raises(InputError, match="added twice"):
        graph.add(Norm(name="final", rows=1, columns=1))
    with pytest.raises(InputError, match="not in the graph"):
        graph.add(Norm(name="x", rows=1, columns=1), after=["nowhere"])
    with pytest.raises(InputError, match="not declared"):
        graph.add(Norm(name="x", rows=1, columns=1), block="nowhere")
    with pytest.raises(InputError, match="count"):
        graph.add_block("none", 0)


def test_mapping_changes_operators_and_keeps_the_structure() -> None:
    narrow = layered().map(lambda op: op.with_(dtype="fp8_e4m3"))
    assert [node.operator.name for node in narrow] == [node.operator.name for node in layered()]
    assert all(node.operator.dtype == "fp8_e4m3" for node in narrow)
