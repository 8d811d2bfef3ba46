"""Layer dropping: a share of the decoder layers is left out, the same share of each kind of layer.

Of c equal layers round(fraction c) go, and at least one stays. Which ones they are does not matter to cost.
"""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import Any

from hwsim.errors import InputError
from hwsim.mappers.techniques.technique import Parameter, Technique, Values


def kept(count: int, fraction: float) -> int:
    """Layers left of ``count``.

    >>> kept(32, 0.25), kept(1, 0.9)
    (24, 1)
    """
    return max(1, count - round(fraction * count))


def layers(network: Any, values: Values) -> Any:
    """The network with fewer layers of each kind."""
    if values["fraction"] == 0.0:
        return network
    if not is_dataclass(network) or isinstance(network, type):
        raise InputError("technique 'layer-dropping': takes a network as hwsim.network returns it, not a rewritten one")
    whole: Any = network
    return replace(whole, groups=tuple((layer, kept(count, values["fraction"])) for layer, count in whole.groups))


TECHNIQUE = Technique(
    name="layer-dropping",
    summary="leaves out a share of the decoder layers",
    changes="weight bytes, KV bytes, FLOPs and communication of the layers that go",
    paper="ShortGPT, arXiv 2403.03853",
    parameters=(
        Parameter(
            name="fraction",
            default=0.25,
            minimum=0.0,
            maximum=0.95,
            whole=False,
            summary="share of the layers left out",
        ),
    ),
    layers=layers,
)
