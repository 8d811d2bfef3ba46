"""A network with techniques: its graphs and its memory rewritten, and what had no effect, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hwsim.errors import InputError
from hwsim.graph import OperatorGraph
from hwsim.hardware import Device
from hwsim.mappers.techniques.registry import read_technique
from hwsim.mappers.techniques.technique import Choice


class TechniqueNetwork:
    """A network on which techniques were applied, in the order given but for those that come last.

    All else is the network's own.

    Attributes
    ----------
    techniques : the techniques asked for, as texts that ``--technique`` reads
    notes : those of them that have no effect on the device, with the reason
    """

    def __init__(
        self, network: Any, choices: Sequence[Choice], techniques: Sequence[str], notes: Sequence[str]
    ) -> None:
        self._network, self._choices = network, tuple(choices)
        self.techniques, self.notes = tuple(techniques), tuple(notes)

    def graph(self, **workload: Any) -> OperatorGraph:
        """The graph of a phase, rewritten."""
        graph: OperatorGraph = self._network.graph(**workload)
        for choice in self._choices:
            if choice.technique.rewrite is not None:
                graph = choice.technique.rewrite(graph, choice.values)
        return graph

    def weight_bytes(
        self, weights_format: str | None = None, activations_format: str | None = None, *parallel: int
    ) -> float:
        """Stored weight bytes on one device: the network's own, with the change that the techniques make."""
        own: float = self._network.weight_bytes(weights_format, activations_format, *parallel)
        degrees = dict(zip(("tensor_parallel", "expert_parallel", "data_parallel"), parallel, strict=False))
        phase = "decode" if keeps_cache(self._network) else "forward"
        batch = degrees.get("data_parallel") or degrees.get("expert_parallel", 1)
        asked: dict[str, Any] = {"phase": phase, "batch": batch, "weights": weights_format, **degrees}
        asked["activations"] = activations_format
        plain: OperatorGraph = self._network.graph(**asked)
        return own + self.graph(**asked).weight_bytes - plain.weight_bytes

    def kv_bytes(self, tokens: int, batch: int = 1, kv_format: str | None = None, tensor_parallel: int = 1) -> float:
        """Bytes of keys and values on one device."""
        return self._kv_bytes(len(self._choices), tokens, batch, kv_format, tensor_parallel)

    def _kv_bytes(self, applied: int, tokens: int, batch: int, kv_format: str | None, tensor_parallel: int) -> float:
        """The same with only the first ``applied`` techniques."""
        if applied == 0:
            return float(self._network.kv_bytes(tokens, batch, kv_format, tensor_parallel))
        choice = self._choices[applied - 1]

        def without(fewer: int, other: str | None) -> float:
            return self._kv_bytes(applied - 1, fewer, batch, other or kv_format, tensor_parallel)

        if choice.technique.kv_bytes is None:
            return without(tokens, None)
        return choice.technique.kv_bytes(without, tokens, choice.values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)


def keeps_cache(network: Any) -> bool:
    """Whether a network is made of decoder layers with a cache; the others are a plain list of layers."""
    return hasattr(network, "vocabulary")


def _check_together(choices: Sequence[Choice]) -> None:
    names = [choice.technique.name for choice in choices]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"technique '{twice}' is given twice")
    setters: dict[str, str] = {}
    for technique in (choice.technique for choice in choices):
        if technique.sets and technique.sets in setters:
            raise InputError(f"techniques '{setters[technique.sets]}' and '{technique.name}' both set {technique.sets}")
        setters[technique.sets] = technique.name


def with_techniques(network: Any, texts: Sequence[str], device: Device) -> Any:
    """Apply techniques to a network that is to run on a device; without any it is the network itself.

    Raises
    ------
    HwsimError : a text that names no technique, a value that is not allowed, a network without what it changes
    """
    if isinstance(texts, str):
        raise InputError(f"techniques(={texts!r}) must be a list of texts, as in ['n-m-sparsity:n=8,m=16']")
    if not texts:
        return network
    choices = [read_technique(text) for text in texts]
    _check_together(choices)
    notes, active, changed = [], [], network
    for choice in choices:
        technique = choice.technique
        if (technique.kv_bytes or technique.layers) and not keeps_cache(network):
            raise InputError(
                f"technique '{technique.name}': network '{network.name}' has no decoder layers with a KV cache"
            )
        if technique.needs_skipped_zeros and not device.skips_zeros:
            notes.append(
                f"technique {technique.name} has no effect: products of '{device.name}' (family {device.family}) do "
                "not skip zeros, so the weights were stored and multiplied dense"
            )
            continue
        if technique.layers is not None:
            changed = technique.layers(changed, choice.values)
        active.append(choice)
    active.sort(key=lambda choice: choice.technique.last)
    return TechniqueNetwork(changed, active, [choice.text for choice in choices], notes)
