"""hwsim: one simulator for inference hardware, from the spec sheet to the RTL.

>>> import hwsim
>>> device = hwsim.device("a100-sxm-80gb")
>>> network = hwsim.network("llama-2-7b")
>>> result = hwsim.simulate(network, on=device, phase="decode", batch=1, context=1024)
>>> 0.008 < result.latency_s < 0.013
True

This is the one place where the engine meets models and mappers; everything is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hwsim.hardware import Device, System
    from hwsim.result import Result

__version__ = "0.1.0"
__all__ = ["__version__", "device", "estimate", "network", "simulate", "system"]


def device(name_or_path: str | Path, **overrides: str) -> Device:
    """Read a device: a catalog name or a TOML path; overrides are TOML paths with ``__`` for dots."""
    from hwsim.models.catalog import read_device

    return read_device(name_or_path, {key.replace("__", "."): value for key, value in overrides.items()})


def system(text: str, overrides: Mapping[str, str] | None = None) -> System:
    """Read a system: a catalog name, a device name, or ``"8x h100-sxm-80gb over nvlink-4"``."""
    from hwsim.models.catalog import read_system

    return read_system(text, overrides or {})


def network(source: str | Path) -> Any:
    """Read a network: a catalog name or a Hugging Face ``config.json``."""
    from hwsim.mappers.networks import read_network

    return read_network(source)


def simulate(
    network: Any,
    *,
    on: Device | System | str | Path,
    phase: str = "decode",
    batch: int = 1,
    prompt: int = 1024,
    context: int = 1024,
    output: int = 128,
    weights: str | None = None,
    activations: str | None = None,
    kv: str | None = None,
    parallel: str | dict[str, int] | None = None,
    runtime: str = "graph",
    engine: str = "analytic",
    techniques: Sequence[str] = (),
) -> Result:
    """Predict latency (s), energy (J) and peak memory (bytes) of a phase of a network on a device or a system.

    Parameters
    ----------
    network : what `hwsim.network` returns, or a name or path
    on : what `hwsim.device` or `hwsim.system` returns, its text, or a TOML path
    phase : prefill, decode (one step after ``context`` cached tokens), generate (``prompt`` then ``output`` tokens)
    batch, prompt, context, output : requests, and tokens a request
    weights, activations, kv : number formats; the network's own by default
    parallel : ``"tp=4"`` or ``{"tp": 4}``
    runtime : launch and host profile of the catalog
    engine : analytic or events
    techniques : texts such as ``"kv-eviction:budget=2048"``; `hwsim list techniques` names them

    Raises
    ------
    hwsim.errors.HwsimError : anything impossible in the request, as one line
    """
    from hwsim.engine.simulate import simulate_workload
    from hwsim.engine.workload import workload_of
    from hwsim.models.catalog import read_runtime

    if not hasattr(network, "default_format"):
        network = globals()["network"](network)
    workload = workload_of(
        network, phase=phase, batch=batch, prompt=prompt, context=context, output=output, weights=weights,
        activations=activations, kv=kv, parallel=parallel,
    )  # fmt: skip
    profile, whole = read_runtime(str(runtime)), as_system(on, workload.parallel.devices)
    if techniques:
        from hwsim.mappers.techniques.applied import with_techniques

        network = with_techniques(network, techniques, whole.device)
    return simulate_workload(network, whole, workload, profile, runtime, engine)


def as_system(on: Device | System | str | Path, devices: int = 1) -> System:
    """Turn a device, a system or its text into a system; a bare device is multiplied over its native link."""
    from dataclasses import replace
    from os import PathLike

    from hwsim.errors import InputError
    from hwsim.hardware import Device, System
    from hwsim.models.catalog import read_link

    whole = system(str(on)) if isinstance(on, (str, PathLike)) else on
    if isinstance(whole, Device):
        whole = System(name=whole.name, device=whole)
    if not isinstance(whole, System):
        raise InputError(f"a device must be a name, or what hwsim.device or hwsim.system returns; got {on!r}")
    if devices > whole.count and not whole.explicit:
        if whole.device.native_link is None:
            raise InputError(f"parallel needs {devices} devices, but '{whole.device.name}' names no native link")
        return replace(
            whole, name=f"{devices}x {whole.device.name} over {whole.device.native_link}", count=devices,
            link=read_link(whole.device.native_link),
        )  # fmt: skip
    return whole


def __getattr__(name: str) -> Any:
    if name == "estimate":
        from hwsim.estimation import estimate

        return estimate
    if name == "rtl":
        import importlib

        return importlib.import_module("hwsim.rtl")
    raise AttributeError(f"module 'hwsim' has no attribute '{name}'")
