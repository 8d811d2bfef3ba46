"""Feed-forward parts as operators: dense, or routed experts with shared ones, split over devices."""

from __future__ import annotations

from hwsim.errors import InputError
from hwsim.graph import OperatorGraph
from hwsim.mappers.networks.layers import Experts, FeedForward
from hwsim.mappers.networks.stored import RoutedExperts, StoredElementwise
from hwsim.mappers.networks.workload import Pass
from hwsim.operators import Collective, Elementwise, Matmul

GATED_FLOPS = 5.0  # SiLU (exponential, sum, quotient, product) and the product with the other branch
PLAIN_FLOPS = 4.0  # GELU by its sigmoid form, about
ROUTER_FLOPS = 2.0  # softmax and top-k: a pass each over the scores, about


def add_feed_forward(
    graph: OperatorGraph, spec: FeedForward, run: Pass, hidden: int, *, prefix: str, block: str, source: str,
    dimension: str = "intermediate",
) -> str:  # fmt: skip
    """Add up (and gate), activation and down after ``source``; return the name of the down projection."""
    width = run.split(dimension, spec.intermediate)
    up = graph.add(
        Matmul(
            name=f"{prefix}gate_up" if spec.gated else f"{prefix}up", m=run.tokens, n=width * (2 if spec.gated else 1),
            k=hidden, bias=spec.bias, dtype=run.activations, weight_dtype=run.weights,
        ),
        after=[source], block=block,
    )  # fmt: skip
    active = graph.add(
        Elementwise(
            name=f"{prefix}activation", elements=run.tokens * width, reads=2 if spec.gated else 1,
            input_size=run.tokens * width * (2 if spec.gated else 1), dtype=run.activations,
            flops_per_element=GATED_FLOPS if spec.gated else PLAIN_FLOPS,
        ),
        after=[up], block=block,
    )  # fmt: skip
    return graph.add(
        Matmul(
            name=f"{prefix}down", m=run.tokens, n=hidden, k=width, bias=spec.bias, dtype=run.activations,
            weight_dtype=run.weights,
        ),
        after=[active], block=block,
    )  # fmt: skip


def add_experts(
    graph: OperatorGraph, spec: Experts, run: Pass, hidden: int, *, prefix: str, block: str, source: str
) -> str:
    """Add router, routed experts, shared experts and their sum; return the name of the last operator.

    With expert parallelism each device holds ``experts / expert_parallel`` experts, cut over the devices that are left.
    Where attention is data parallel, a token is sent to at most ``min(top_k, expert_parallel)`` devices and its results
    come back, two exchanges a layer; where it is not, every device has every token and runs those of its experts.
    """
    router = graph.add(
        Matmul(
            name=f"{prefix}router", m=run.tokens, n=spec.experts, k=hidden, dtype=run.activations,
            weight_dtype=run.activations,
        ),
        after=[source], block=block,
    )  # fmt: skip
    route = graph.add(
        StoredElementwise(
            name=f"{prefix}route", elements=run.tokens * hidden, input_size=run.tokens * spec.experts,
            reads=spec.experts / hidden, writes=spec.top_k / hidden, dtype=run.activations,
            flops_per_element=ROUTER_FLOPS * spec.experts / hidden, stored=spec.experts * spec.router_values,
        ),
        after=[router], block=block,
    )  # fmt: skip
    routed = _add_projected(graph, spec, run, hidden, prefix=prefix, block=block, source=source, route=route)
    if not spec.shared:
        return routed
    shared_spec = FeedForward(intermediate=spec.shared, gated=spec.gated)
    shared = add_feed_forward(
        graph, shared_spec, run, hidden, prefix=f"{prefix}shared_", block=block, source=source,
        dimension="shared intermediate",
    )  # fmt: skip
    return graph.add(
        StoredElementwise(
            name=f"{prefix}shared_sum", elements=run.tokens * hidden, reads=2, dtype=run.activations,
            flops_per_element=3.0 if spec.shared_gate else 1.0, stored=hidden if spec.shared_gate else 0,
        ),
        after=[routed, shared], block=block,
    )  # fmt: skip


def _add_projected(
    graph: OperatorGraph, spec: Experts, run: Pass, hidden: int, *, prefix: str, block: str, source: str, route: str
) -> str:
    """Add routed experts, between a projection to their latent width and one back where they have one.

    Every device projects back its own part of the sum: the projection is linear, so the parts still add up.
    """
    if not spec.latent:
        return _add_routed(graph, spec, run, hidden, prefix=prefix, block=block, feeds=[source, route])
    down = Matmul(
        name=f"{prefix}latent_down", m=run.tokens, n=spec.latent, k=hidden, dtype=run.activations,
        weight_dtype=run.weights,
    )  # fmt: skip
    narrow = graph.add(down, after=[source, route], block=block)
    routed = _add_routed(graph, spec, run, spec.latent, prefix=prefix, block=block, feeds=[narrow])
    up = down.with_(name=f"{prefix}latent_up", n=hidden, k=spec.latent)
    return graph.add(up, after=[routed], block=block)


def _add_routed(
    graph: OperatorGraph, spec: Experts, run: Pass, hidden: int, *, prefix: str, block: str, feeds: list[str]
) -> str:
    ranks, groups = run.expert_parallel, run.data_parallel
    width = run.split_expert(spec.intermediate)
    if spec.experts % ranks:
        raise InputError(
            f"network '{run.network}': experts(={spec.experts}) do not split evenly over expert_parallel(={ranks})"
        )
    copies = min(spec.top_k, ranks)
    experts = RoutedExperts(
        name=f"{prefix}experts", tokens=run.tokens * groups * copies / ranks, hidden=hidden, intermediate=width,
        experts=spec.experts // ranks, top_k=spec.top_k / copies, gated=spec.gated, bias=spec.bias,
        dtype=run.activations, weight_dtype=run.weights,
    )  # fmt: skip
    if groups == 1:
        return graph.add(experts.with_(held=run.tokens), after=feeds, block=block)
    return _add_exchanged(graph, experts, run, hidden, prefix=prefix, block=block, feeds=feeds)


def _add_exchanged(
    graph: OperatorGraph, experts: RoutedExperts, run: Pass, hidden: int, *, prefix: str, block: str, feeds: list[str]
) -> str:
    """Add experts between two exchanges; the devices of a tensor-parallel group share the sending of its tokens.

    Where experts are not spread, every group's tokens go to every device, an all-gather, and partial sums come back.
    """
    spread = run.expert_parallel > 1
    copies = min(experts.tokens * run.expert_parallel / (run.tokens * run.data_parallel), run.expert_parallel)
    local = run.tokens * hidden
    sent = graph.add(
        Elementwise(
            name=f"{prefix}dispatch_copy", elements=max(local * copies, experts.input_elements), input_size=local,
            writes=1.0 if spread else local / experts.input_elements, dtype=run.activations, flops_per_element=0,
            reads=min(1.0, local / experts.input_elements),
        ),
        after=feeds, block=block,
    )  # fmt: skip
    there = Collective(
        name=f"{prefix}dispatch", operation="all_to_all" if spread else "all_gather", dtype=run.activations,
        ranks=run.expert_parallel if spread else run.data_parallel, elements=experts.input_elements,
    )  # fmt: skip
    back = there.with_(name=f"{prefix}combine", operation="all_to_all" if spread else "reduce_scatter")
    dispatched = graph.add(there, slices=[sent], block=block)
    combined = graph.add(back, after=[graph.add(experts, after=[dispatched], block=block)], block=block)
    return graph.add(
        Elementwise(
            name=f"{prefix}combine_sum", elements=local, reads=copies, input_size=experts.output_elements,
            dtype=run.activations, flops_per_element=copies,
        ),
        after=[combined], block=block,
    )  # fmt: skip
