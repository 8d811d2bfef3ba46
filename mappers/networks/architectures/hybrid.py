"""Networks that mix attention with states of fixed size: Nemotron-H, Nemotron Nano 2 and 3, Qwen 3.5.

Sources: Nemotron-H (arXiv:2504.03624), Nemotron Nano 2 (arXiv:2508.14444), the model cards of Nemotron 3, gated
delta rule (arXiv:2412.06464); field names and defaults are those of the configuration and modelling files in Hugging
Face transformers.
"""

from __future__ import annotations

from hwsim.mappers.networks.architectures.common import checked_kv_heads, network, text_fields
from hwsim.mappers.networks.architectures.experts import top_k
from hwsim.mappers.networks.architectures.llama import attention, dense
from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.layers import Experts, FeedForward, Layer, StateMixer
from hwsim.mappers.networks.network import Network

DELTA_PRODUCTS = 4  # the state is read and changed, and corrected by what it already returns for the keys


NEMOTRON_LETTERS = {"mamba": "M", "attention": "*", "mlp": "-", "moe": "E"}


def _nemotron_pattern(fields: Fields) -> str:
    """Read one letter a layer: M state, * attention, - dense, E experts; newer files list the words instead."""
    if fields.has("layers_block_type"):
        words = fields.items("layers_block_type")
        if not words or not set(words) <= set(NEMOTRON_LETTERS):
            raise fields.wrong("layers_block_type", words, "a list of " + ", ".join(NEMOTRON_LETTERS))
        return "".join(NEMOTRON_LETTERS[word] for word in words)
    pattern, count = fields.text("hybrid_override_pattern"), fields.layers("num_hidden_layers")
    if len(pattern) != count or set(pattern) - set(NEMOTRON_LETTERS.values()):
        raise fields.wrong("hybrid_override_pattern", pattern, f"{count} letters of M, *, - and E")
    return pattern


def _nemotron_experts(fields: Fields) -> Experts:
    """Routed experts of two matrices, behind a narrower width in the larger networks, and shared ones beside them."""
    experts = fields.integer("n_routed_experts")
    return Experts(
        experts=experts, top_k=top_k(fields, experts), intermediate=fields.integer("moe_intermediate_size"),
        shared=fields.integer("n_shared_experts", default=0, minimum=0)
        * fields.integer("moe_shared_expert_intermediate_size", default=0, minimum=0),
        gated=False, router_values=1, latent=fields.integer("moe_latent_size", default=0, minimum=0),
    )  # fmt: skip


def read_nemotron_h(fields: Fields) -> Network:
    """Nemotron-H, Nano 2 and 3: layers of one part each, as the pattern lists them.

    The extra prediction layers of Nemotron 3 are not counted.
    """
    pattern = _nemotron_pattern(fields)
    for key in ("attention_bias", "mlp_bias", "use_bias", "mamba_proj_bias"):
        fields.only(key, (False,), False)
    fields.only("mlp_hidden_act", ("relu2",), "relu2")
    width = fields.integer("attention_head_dim", "head_dim")
    heads = fields.integer("mamba_num_heads")
    state = StateMixer(
        heads=heads, head_dim=fields.integer("mamba_head_dim"),
        groups=checked_kv_heads(fields, heads, fields.integer("n_groups"), "n_groups"),
        state_dim=fields.integer("ssm_state_size"), scalars=1, stored_scalars=3,
        taps=fields.integer("conv_kernel"), convolution_bias=fields.flag("use_conv_bias", default=True),
        chunk=fields.integer("chunk_size", default=128),
    )  # fmt: skip
    full = attention(Fields({**fields.values, "head_dim": width}, fields.source), rotary_dim=0)
    kinds = {
        "M": Layer(label="state", mixer=state, feed_forward=None),
        "*": Layer(label="attention", mixer=full, feed_forward=None),
        "-": Layer(label="dense", mixer=None, feed_forward=FeedForward(intermediate=fields.integer("intermediate_size"),
                                                                      gated=False)),
    }  # fmt: skip
    if "E" in pattern:
        kinds["E"] = Layer(label="moe", mixer=None, feed_forward=_nemotron_experts(fields))
    tied = fields.flag("tie_word_embeddings", default=False)
    return network(fields, [kinds[letter] for letter in pattern], hidden=fields.integer("hidden_size"), tied=tied)


def read_qwen35(fields: Fields) -> Network:
    """Qwen 3.5: three layers with a state to one of gated attention; dense or with experts and a gated shared one.

    The vision tower and the extra prediction layer are not counted.
    """
    text = text_fields(fields)
    values = dict(text.values)
    if text.has("rope_parameters"):
        rope = text.table("rope_parameters")
        values.setdefault("partial_rotary_factor", rope.number("partial_rotary_factor", default=1.0, maximum=1.0))
    text = Fields(values, text.source, text.path)
    gate = text.integer("head_dim") if text.flag("attn_output_gate", default=True) else 0
    full = attention(text, norm="head", gate=gate)
    heads, groups = text.integer("linear_num_value_heads"), text.integer("linear_num_key_heads")
    state = StateMixer(
        heads=heads, head_dim=text.integer("linear_value_head_dim"),
        groups=checked_kv_heads(text, heads, groups, "linear_num_key_heads"),
        state_dim=text.integer("linear_key_head_dim"), scalars=2,
        stored_scalars=2, taps=text.integer("linear_conv_kernel_dim"), norm_all=False, chunk=64,
        products=DELTA_PRODUCTS,
    )  # fmt: skip
    part: Experts | FeedForward
    if text.has("num_experts"):
        experts = text.integer("num_experts")
        part = Experts(
            experts=experts, top_k=top_k(text, experts), intermediate=text.integer("moe_intermediate_size"),
            shared=text.integer("shared_expert_intermediate_size"), shared_gate=True,
        )  # fmt: skip
    else:
        part = dense(text)
    kinds = {
        "linear_attention": Layer(label="state", mixer=state, feed_forward=part),
        "full_attention": Layer(label="full", mixer=full, feed_forward=part),
    }
    listed = text.items("layer_types", length=text.layers("num_hidden_layers"))
    if not set(listed) <= set(kinds):
        raise text.wrong("layer_types", listed, "linear_attention or full_attention")
    tied = text.flag("tie_word_embeddings", default=False)
    return network(text, [kinds[kind] for kind in listed], hidden=text.integer("hidden_size"), tied=tied)
