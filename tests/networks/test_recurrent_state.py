"""Mixers with a state of fixed size: what they keep, what they move, and what they multiply."""

from __future__ import annotations

import pytest

from hwsim import network
from hwsim.errors import InputError
from hwsim.mappers.networks.network import Network
from hwsim.mappers.networks.reading import read_config
from hwsim.operators import Elementwise

NANO = "nemotron-nano-9b-v2"
STATE_VALUES = 128 * 80 * 128  # heads, head width, state width of a Mamba-2 layer


def test_a_request_keeps_one_state_whatever_its_length_and_keys_only_in_attention_layers() -> None:
    net = network(NANO)
    grown = net.kv_bytes(2001) - net.kv_bytes(1001)
    assert grown == pytest.approx(1000 * 4 * 2 * 8 * 128 * 2)  # four attention layers, bf16
    inputs = 3 * (128 * 80 + 2 * 8 * 128)
    fixed = net.kv_bytes(1001) - 1001 * 4 * 2 * 8 * 128 * 2
    assert fixed == pytest.approx(27 * (4 * STATE_VALUES + 2 * inputs))
    assert net.kv_bytes(1001, batch=3) == pytest.approx(3 * net.kv_bytes(1001))


def test_a_decode_step_reads_and_writes_every_state_and_does_not_grow_with_the_context() -> None:
    net = network(NANO)
    for context in (64, 4096):
        graph = net.graph(phase="decode", batch=5, context=context)
        step = next(node.operator for node in graph if node.operator.name == "state.state_step")
        assert isinstance(step, Elementwise)
        assert step.bytes == pytest.approx(5 * 2 * 4 * STATE_VALUES, rel=0.01)


def test_prefill_multiplies_in_proportion_to_the_prompt_where_attention_would_square_it() -> None:
    net = network(NANO)

    def mixing(prompt: int) -> float:
        graph = net.graph(phase="prefill", batch=1, prompt=prompt)
        total: float = sum(node.operator.flops for node in graph if "state_" in node.operator.name)
        return total

    assert mixing(8192) == pytest.approx(4 * mixing(2048), rel=0.02)


@pytest.mark.parametrize("degree", [2, 4, 8])
def test_the_state_is_cut_by_heads(degree: int) -> None:
    net = network(NANO)
    cut = net.graph(phase="decode", batch=4, context=64, tensor_parallel=degree).validate()
    whole = net.graph(phase="decode", batch=4, context=64)
    name = "state.state_step"
    assert degree * cut.node(name).operator.bytes == pytest.approx(whole.node(name).operator.bytes)
    fixed = net.kv_bytes(1) - 4 * 2 * 8 * 128 * 2
    assert degree * net.kv_bytes(1, tensor_parallel=degree) == pytest.approx(fixed + 4 * 2 * 8 * 128 * 2)


def _config(**changes: object) -> dict[str, object]:
    return {
        "architectures": ["NemotronHForCausalLM"], "num_hidden_layers": 3, "hybrid_override_pattern": "M-*",
        "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 64, "mamba_num_heads": 8, "mamba_head_dim": 64, "n_groups": 2, "ssm_state_size": 16,
        "conv_kernel": 4, "vocab_size": 1000, "max_position_embeddings": 4096, **changes,
    }  # fmt: skip


def test_a_network_without_attention_keeps_nothing_that_grows() -> None:
    net = read_config(_config(hybrid_override_pattern="M-M"), source="config", name="n")
    assert isinstance(net, Network)
    assert net.kv_bytes(10) == net.kv_bytes(10_000) > 0
    assert (net.heads, net.windows) == (0, ())
    net.graph(phase="prefill", prompt=100).validate()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"hybrid_override_pattern": "M-X"}, "hybrid_override_pattern"),
        ({"hybrid_override_pattern": "M-"}, "hybrid_override_pattern"),
        ({"n_groups": 3}, "n_groups"),
        ({"conv_kernel": "four"}, "conv_kernel"),
        ({"use_bias": True}, "use_bias"),
        ({"mlp_hidden_act": "gelu"}, "mlp_hidden_act"),
        ({"mamba_num_heads": None}, "mamba_num_heads"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_refused_in_one_line_with_its_field(
    change: dict[str, object], field: str
) -> None:
    with pytest.raises(InputError, match=field) as caught:
        read_config(_config(**change), source="config", name="n")
    assert "\n" not in str(caught.value)


def test_qwen_35_refuses_rope_parameters_that_are_no_object() -> None:
    values = {
        "architectures": ["Qwen3_5ForConditionalGeneration"],
        "text_config": {"rope_parameters": [1], "head_dim": 64, "num_attention_heads": 4, "hidden_size": 256},
    }
    with pytest.raises(InputError, match="rope_parameters"):
        read_config(values, source="config", name="n")
