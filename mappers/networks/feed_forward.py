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

    With expert parallelism each device holds ``experts / expert_parallel`` experts and its own requests: a token is
    sent to at most ``min(top_k, expert_parallel)`` devices and its results come back, two all-to-alls a layer.
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
    routed = _add_routed(graph, spec, run, hidden, prefix=prefix, block=block, source=source, route=route)
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


def _add_routed(
    graph: OperatorGraph, spec: Experts, run: Pass, hidden: int, *, prefix: str, block: str, source: str, route: str
) -> str:
    ranks = run.expert_parallel
    width = run.split("expert intermediate", spec.intermediate)
    if spec.experts % ranks:
        raise InputError(
            f"network '{run.network}': experts(={spec.experts}) do not split evenly over expert_parallel(={ranks})"
        )
    copies = min(spec.top_k, ranks)
    experts = RoutedExperts(
        name=f"{prefix}experts", tokens=run.tokens * copies, hidden=hidden, intermediate=width,
        experts=spec.experts // ranks, top_k=spec.top_k / copies, gated=spec.gated, bias=spec.bias,
        dtype=run.activations, weight_dtype=run.weights,
    )  # fmt: skip
    if ranks == 1:
        return graph.add(experts, after=[source, route], block=block)
    sent = graph.add(
        Elementwise(
            name=f"{prefix}dispatch_copy", elements=run.tokens * copies * hidden, input_size=run.tokens * hidden,
            dtype=run.activations, flops_per_element=0,
        ),
        after=[source, route], block=block,
    )  # fmt: skip
    exchange = Collective(
        name=f"{prefix}dispatch", operation="all_to_all", ranks=ranks, elements=run.tokens * copies * hidden,
        dtype=run.activations,
    )  # fmt: skip
    dispatched = graph.add(exchange, after=[sent], block=block)
    computed = graph.add(experts, after=[dispatched], block=block)
    combined = graph.add(exchange.with_(name=f"{prefix}combine"), after=[computed], block=block)
    return graph.add(
        Elementwise(
            name=f"{prefix}combine_sum", elements=run.tokens * hidden, reads=copies,
            input_size=run.tokens * copies * hidden, dtype=run.activations, flops_per_element=copies,
        ),
        after=[combined], block=block,
    )  # fmt: skip
