"""Find and read a network: a catalog name, or the path of a Hugging Face `config.json`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from hwsim.errors import InputError, UnsupportedError, unknown_name
from hwsim.mappers.networks.architectures import ARCHITECTURES
from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.layered import LayeredNetwork, read_layered
from hwsim.mappers.networks.loading import load_object, shown
from hwsim.mappers.networks.network import Network

CATALOG = Path(__file__).resolve().parent.parent / "catalog" / "networks"


def list_networks() -> list[str]:
    """Return the names of the catalog, those in the folders of ``HWSIM_CATALOG`` included, sorted."""
    return sorted(_catalog())


def read_network(source: str | Path) -> Any:
    """Read a network from the catalog by name, or from the path of its `config.json`.

    Raises
    ------
    UnknownNameError : neither a catalog name nor an existing file
    InputError : the file is not a readable configuration; the line names the file and the field
    UnsupportedError : the architecture is not known
    """
    text = str(source)
    catalog = _catalog()
    if not isinstance(source, Path) and text in catalog:
        return _read_file(catalog[text], name=text)
    path = Path(text)
    if not _exists(path):
        if isinstance(source, Path) or path.suffix == ".json" or len(path.parts) != 1:
            raise InputError(f"{shown(text)}: there is no such file")
        raise unknown_name("network", shown(text), catalog)
    if path.suffix == ".onnx":
        raise UnsupportedError(f"{shown(text)}: ONNX files are not read; give a catalog name or a config.json")
    return _read_file(path, name=_name_of(path))


def read_config(values: dict[str, Any], *, source: str, name: str) -> Network | LayeredNetwork:
    """Read a configuration that is already parsed; ``source`` is what errors call it."""
    fields = Fields(values, source)
    listed = fields.items("architectures")
    if not listed or not isinstance(listed[0], str):
        raise fields.wrong("architectures", listed, "a list with the network's class name")
    architecture = listed[0]
    if architecture == "LayeredNetwork":
        layered = read_layered(fields)
        layered.graph(phase="forward").validate()  # a mistake in a layer is told on reading
        return replace(layered, name=name, architecture=architecture, source=_stated_source(values, source))
    reader = ARCHITECTURES.get(architecture)
    if reader is None:
        known = ", ".join(sorted(ARCHITECTURES))
        raise UnsupportedError(f"{source}: architecture '{shown(architecture)}' is not known; known: {known}")
    network = reader(fields)
    return replace(network, name=name, architecture=architecture, source=_stated_source(values, source))


def _stated_source(values: dict[str, Any], source: str) -> str:
    stated = values.get("_source")
    return shown(stated) if isinstance(stated, str) else source


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long for the file system, or with a null character
        return False


def _catalog() -> dict[str, Path]:
    folders = [CATALOG]
    for entry in os.environ.get("HWSIM_CATALOG", "").split(os.pathsep):
        folders += [Path(entry), Path(entry) / "networks"] if entry else []
    return {path.stem: path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.json"))}


def _name_of(path: Path) -> str:
    """Name a network after its file, or after the folder of a file that is only called config.json."""
    stem = path.stem.removesuffix("_config").removesuffix(".config")
    return shown((path.resolve().parent.name or stem) if stem == "config" else stem)


def _read_file(path: Path, *, name: str) -> Network | LayeredNetwork:
    return read_config(load_object(path), source=shown(str(path)), name=name)
