"""Operator graphs of networks: they validate, unfold and split without losing work."""

from __future__ import annotations

from typing import Literal

import pytest

from hwsim.errors import InputError
from hwsim.mappers.networks import Network, list_networks, read_network
from hwsim.operators import Attention, Collective, Matmul

PHASES: tuple[Literal["prefill", "decode"], ...] = ("prefill", "decode")


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", [n for n in list_networks() if isinstance(read_network(n), Network)])
def test_every_catalog_network_gives_a_valid_graph_that_unfolds_to_the_same_totals(
    name: str, phase: Literal["prefill", "decode"]
) -> None:
    graph = read_network(name).graph(phase=phase, batch=2, prompt=128, context=127).validate()
    unfolded = graph.unfolded().validate()
    assert unfolded.flops == pytest.approx(graph.flops, rel=1e-9)
    assert unfolded.parameters == pytest.approx(graph.parameters, rel=1e-9)
    assert unfolded.weight_bytes == pytest.approx(graph.weight_bytes, rel=1e-9)
    traffic = sum(node.operator.bytes * node.count for node in graph)
    assert sum(node.operator.bytes for node in unfolded) == pytest.approx(traffic, rel=1e-9)


@pytest.mark.parametrize("ranks", [2, 4, 8])
@pytest.mark.parametrize("name", ["llama-2-7b", "llama-2-70b", "mixtral-8x7b", "opt-30b", "gpt-neox-20b"])
def test_tensor_parallelism_conserves_the_work_and_the_weights_of_matrix_products(name: str, ranks: int) -> None:
    network = read_network(name)
    whole = network.graph(phase="prefill", batch=1, prompt=64)
    part = network.graph(phase="prefill", batch=1, prompt=64, tensor_parallel=ranks)
    for kinds in (("matmul",), ("moe",), ("attention",)):
        whole_flops = sum(n.count * n.operator.flops for n in whole if n.operator.kind in kinds)
        part_flops = sum(n.count * n.operator.flops for n in part if n.operator.kind in kinds)
        router = sum(n.count * n.operator.flops for n in whole if n.operator.name.endswith("router"))
        copied = router * (ranks - 1) if "matmul" in kinds else 0.0
        assert part_flops * ranks == pytest.approx(whole_flops + copied, rel=1e-12)
    # Norms, output biases and the learned position table of OPT are copied to every device.
    assert part.weight_bytes * ranks == pytest.approx(whole.weight_bytes, rel=0.01)


def test_tensor_parallelism_adds_two_all_reduces_a_layer_of_tokens_times_hidden() -> None:
    graph = read_network("llama-2-7b").graph(phase="prefill", batch=2, prompt=64, tensor_parallel=4)
    in_layers = [n for n in graph if isinstance(n.operator, Collective) and n.block is not None]
    assert [(n.count, n.operator.operation) for n in in_layers if isinstance(n.operator, Collective)] == [
        (32, "all_reduce"), (32, "all_reduce"),
    ]  # fmt: skip
    assert all(n.operator.output_elements == 2 * 64 * 4096 for n in in_layers)


def test_an_uneven_split_names_the_dimension() -> None:
    with pytest.raises(InputError, match=r"'llama-3.2-3b': heads\(=24\) does not split evenly"):
        read_network("llama-3.2-3b").graph(phase="decode", batch=1, context=1, tensor_parallel=16)
    with pytest.raises(InputError, match=r"vocabulary\(=50257\)"):
        read_network("gpt2").graph(phase="decode", batch=1, context=1, tensor_parallel=2)


def test_key_value_heads_fewer_than_the_devices_are_copied() -> None:
    network = read_network("llama-3-8b")
    assert network.kv_bytes(100, tensor_parallel=16) == network.kv_bytes(100) / 8
    graph = network.graph(phase="decode", batch=1, context=9, tensor_parallel=16)
    attention = next(n.operator for n in graph if isinstance(n.operator, Attention))
    assert (attention.heads, attention.kv_heads, attention.kv_length) == (2, 1, 10)


def test_the_head_runs_on_the_last_token_of_each_request() -> None:
    graph = read_network("llama-2-7b").graph(phase="prefill", batch=3, prompt=64)
    head = graph.node("lm_head").operator
    assert isinstance(head, Matmul)
    assert (head.m, head.n, head.k) == (3, 32000, 4096)


def test_decode_reads_every_weight_of_a_dense_network_once() -> None:
    network = read_network("llama-2-7b")
    graph = network.graph(phase="decode", batch=1, context=1024)
    read = sum(n.count * n.operator.bytes_by_kind.get("weight", 0.0) for n in graph)
    assert read == pytest.approx(2.0 * (network.parameters - 32000 * 4096), rel=1e-4)
