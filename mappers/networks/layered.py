"""Networks that are a plain list of layers, without a KV cache: convolutional classifiers,
recurrent networks over (values, steps, 1). Their phase is `forward`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hwsim.errors import InputError, did_you_mean
from hwsim.graph import OperatorGraph
from hwsim.mappers.networks.fields import Fields
from hwsim.operators import Convolution, Elementwise, Matmul, Operator, Recurrent

KINDS = ("convolution", "pool", "normalise", "linear", "recurrent")
RESPONSE_OPERATIONS = 12.0  # local response normalisation over five channels: squares, sum, power, division


@dataclass(frozen=True, kw_only=True)
class LayeredNetwork:
    """A network that is a list of layers, as its catalog file states them.

    Attributes
    ----------
    input_shape : (channels, rows, columns) of one image
    specification : one table a layer, as in the file
    """

    name: str
    architecture: str
    source: str
    input_shape: tuple[int, int, int]
    specification: tuple[Mapping[str, Any], ...]
    default_format: str = "fp16"
    context_limit: int = 0
    hidden: int = 0

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.specification)

    def graph(
        self,
        *,
        phase: str,
        batch: int = 1,
        prompt: int = 1,
        context: int = 0,
        weights: str | None = None,
        activations: str | None = None,
        kv: str | None = None,
        tensor_parallel: int = 1,
        expert_parallel: int = 1,
        data_parallel: int = 1,
    ) -> OperatorGraph:
        """Return the operators of one forward pass over ``batch`` images.

        Raises
        ------
        InputError : another phase than forward, a network cut over devices, layers that do not fit each other
        """
        if phase != "forward":
            raise InputError(
                f"network '{self.name}' keeps no KV cache: phase '{phase}' does not apply; allowed: forward"
            )
        if tensor_parallel > 1 or expert_parallel > 1 or data_parallel > 1:
            raise InputError(f"network '{self.name}' is not cut over devices; run one batch on each")
        build = _Builder(
            self.name, batch, activations or self.default_format, weights or self.default_format, self.input_shape
        )
        for table in self.specification:
            build.add(Fields(table, self.source, "layers."))
        return build.graph

    @cached_property
    def _unit_graph(self) -> OperatorGraph:
        return self.graph(phase="forward")

    @property
    def parameters(self) -> int:
        """Stored values."""
        return round(self._unit_graph.parameters)

    @property
    def active_parameters(self) -> int:
        """Stored values that one image uses: all."""
        return self.parameters

    def weight_bytes(
        self, weights_format: str | None = None, activations_format: str | None = None, *parallel: int
    ) -> float:
        """Return the stored weight bytes."""
        return self.graph(phase="forward", weights=weights_format, activations=activations_format).weight_bytes

    def kv_bytes(self, tokens: int, batch: int = 1, kv_format: str | None = None, tensor_parallel: int = 1) -> float:
        """Return 0: nothing is cached."""
        return 0.0

    def activation_bytes(
        self, tokens: int, batch: int = 1, activations_format: str | None = None, *parallel: int
    ) -> float:
        """Return the widest layer's input and output together."""
        graph = self.graph(phase="forward", batch=batch, activations=activations_format)
        return max(node.operator.bytes_by_kind.get("activation", 0.0) for node in graph)


class _Builder:
    """Adds layers one after the other and keeps the shape between them."""

    def __init__(self, name: str, batch: int, dtype: str, weight_dtype: str, shape: tuple[int, int, int]) -> None:
        self.graph = OperatorGraph(name)
        self.batch, self.dtype, self.weight_dtype = batch, dtype, weight_dtype
        self.channels, self.rows, self.columns = shape
        self.previous: str | None = None

    def add(self, fields: Fields) -> None:
        kind = fields.text("kind")
        if kind not in KINDS:
            raise fields.wrong("kind", kind, "one of " + ", ".join(KINDS) + did_you_mean(kind, KINDS))
        operator: Operator = getattr(self, f"_{kind}")(fields)
        self.previous = self.graph.add(operator, after=[self.previous] if self.previous else [])

    def _convolution(self, fields: Fields) -> Operator:
        size = fields.integer("filter")
        operator = Convolution(
            name=fields.text("name"), dtype=self.dtype, weight_dtype=self.weight_dtype, batch=self.batch,
            input_channels=self.channels, input_rows=self.rows, input_columns=self.columns,
            output_channels=fields.integer("output_channels"), filter_rows=size, filter_columns=size,
            stride=fields.integer("stride", default=1), padding=fields.integer("padding", default=0, minimum=0),
            groups=fields.integer("groups", default=1),
        )  # fmt: skip
        self.channels = int(operator.output_channels)
        self.rows, self.columns = int(operator.output_rows), int(operator.output_columns)
        return operator

    def _pool(self, fields: Fields) -> Operator:
        size, stride = fields.integer("filter"), fields.integer("stride")
        before = self.batch * self.channels * self.rows * self.columns
        if min(self.rows, self.columns) < size:
            raise fields.wrong("filter", size, f"at most the input's {min(self.rows, self.columns)} rows or columns")
        self.rows, self.columns = (self.rows - size) // stride + 1, (self.columns - size) // stride + 1
        after = self.batch * self.channels * self.rows * self.columns
        return Elementwise(
            name=fields.text("name"), dtype=self.dtype, elements=after, reads=before / after,
            flops_per_element=size * size, input_size=before,
        )  # fmt: skip

    def _normalise(self, fields: Fields) -> Operator:
        return Elementwise(
            name=fields.text("name"), dtype=self.dtype, elements=self.batch * self.channels * self.rows * self.columns,
            flops_per_element=RESPONSE_OPERATIONS,
        )  # fmt: skip

    def _recurrent(self, fields: Fields) -> Operator:
        """A gated recurrent layer over the rows; ``steps`` repeats a single row so often."""
        steps = fields.integer("steps", default=self.rows)
        if steps != self.rows != 1:
            raise fields.wrong("steps", steps, f"{self.rows}, the rows that come in, or anything after a single row")
        operator = Recurrent(
            name=fields.text("name"), dtype=self.dtype, weight_dtype=self.weight_dtype, batch=self.batch, steps=steps,
            inputs=self.channels, hidden=fields.integer("outputs"), gates=fields.integer("gates", default=3),
            directions=fields.integer("directions", default=1), sequences=fields.text("returns") == "sequence",
            input_size=self.batch * self.rows * self.channels,
        )  # fmt: skip
        self.channels = int(operator.hidden * operator.directions)
        self.rows, self.columns = (steps if operator.sequences else 1), 1
        return operator

    def _linear_of_each_row(self, fields: Fields) -> Operator:
        inputs, self.channels = self.channels, fields.integer("outputs")
        return Matmul(
            name=fields.text("name"), dtype=self.dtype, weight_dtype=self.weight_dtype, m=self.batch * self.rows,
            n=self.channels, k=inputs, bias=True, streamed=True,
        )  # fmt: skip

    def _linear(self, fields: Fields) -> Operator:
        if fields.text("over", default="all") == "row":
            return self._linear_of_each_row(fields)
        inputs, outputs = self.channels * self.rows * self.columns, fields.integer("outputs")
        self.channels, self.rows, self.columns = outputs, 1, 1
        return Matmul(
            name=fields.text("name"), dtype=self.dtype, weight_dtype=self.weight_dtype, m=self.batch, n=outputs,
            k=inputs, bias=True,
        )  # fmt: skip


def read_layered(fields: Fields) -> LayeredNetwork:
    """Read a network's list of layers.

    Raises
    ------
    InputError : a layer or an input shape that cannot be
    """
    shape = fields.items("input", length=3)
    if not all(isinstance(each, int) and not isinstance(each, bool) and each > 0 for each in shape):
        raise fields.wrong("input", shape, "three whole numbers above 0: channels, rows, columns")
    layers = fields.items("layers")
    if not layers or not all(isinstance(each, dict) for each in layers):
        raise fields.wrong("layers", layers, "a list of objects, one a layer")
    return LayeredNetwork(
        name="", architecture="", source=fields.source, input_shape=(shape[0], shape[1], shape[2]),
        specification=tuple(layers), default_format=fields.text("default_format", default="fp16"),
    )  # fmt: skip
