"""Vision towers: how many values they store. A text pass does not run them, but they take memory."""

from __future__ import annotations

from hwsim.mappers.networks.fields import Fields


def qwen3_vl_parameters(fields: Fields) -> int:
    """Count the tower of Qwen3-VL: patch and position embedding, blocks with layer norms and biases, and mergers.

    One merger after the last block and one for each entry of ``deepstack_visual_indexes``. Source: the vision part of
    the Qwen3-VL modelling file in Hugging Face transformers.
    """
    hidden, inner = fields.integer("hidden_size"), fields.integer("intermediate_size")
    patch = fields.integer("in_channels") * fields.integer("temporal_patch_size") * fields.integer("patch_size") ** 2
    embedding = (patch + 1 + fields.integer("num_position_embeddings")) * hidden
    attention = hidden * 3 * hidden + 3 * hidden + hidden * hidden + hidden
    block = 4 * hidden + attention + 2 * hidden * inner + inner + hidden
    merged, out = hidden * fields.integer("spatial_merge_size") ** 2, fields.integer("out_hidden_size")
    linear = merged * merged + merged + merged * out + out
    deepstack = len(fields.items("deepstack_visual_indexes", default=[])) * (2 * merged + linear)
    return embedding + fields.layers("depth") * block + 2 * hidden + linear + deepstack
