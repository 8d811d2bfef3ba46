"""A sweep's folder: the file it came from, one Parquet file a chunk, and the Pareto front."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hwsim import __version__
from hwsim.errors import InputError

SCHEMA_VERSION = 1
STATE_FILE = "sweep.json"


class Store:
    """The folder of one sweep; every file is written beside its place and then renamed, so none is ever half there."""

    def __init__(self, folder: Path, state: Mapping[str, Any]) -> None:
        self.folder, self.state = folder, dict(state)

    @property
    def points(self) -> Path:
        """Folder of the chunks; any Parquet reader takes it as one table."""
        return self.folder / "points"

    def part(self, number: int) -> Path:
        """File of a chunk."""
        return self.points / f"part-{number:06d}.parquet"

    def has(self, number: int) -> bool:
        """Tell whether a chunk is there."""
        return self.part(number).is_file()

    def write(self, number: int, table: pa.Table) -> None:
        """Write a chunk."""
        self._write_table(self.part(number), table)

    def read(self, number: int) -> pa.Table:
        """Read a chunk."""
        return pq.read_table(self.part(number))

    def write_front(self, table: pa.Table) -> None:
        """Write the Pareto front."""
        self._write_table(self.folder / "pareto.parquet", table)

    def write_state(self, **more: Any) -> None:
        """Write what the folder holds, as JSON."""
        self.state |= more
        path = self.folder / STATE_FILE
        part = path.with_suffix(".part")
        part.write_text(json.dumps(self.state, indent=1) + "\n", encoding="utf-8")
        os.replace(part, path)

    def _write_table(self, path: Path, table: pa.Table) -> None:
        part = path.with_suffix(".part")
        try:
            pq.write_table(table, part, compression="zstd")
            os.replace(part, path)
        except OSError as error:
            raise InputError(f"cannot write '{path}': {error.strerror or error}") from error


def open_store(folder: Path, spec_path: Path, fingerprint: str, resume: bool) -> Store:
    """Make a new folder, or go on with one that the same sweep began.

    Raises
    ------
    InputError : the folder holds something else, or (to resume) another sweep or another version of the formulas
    """
    text = spec_path.read_text(encoding="utf-8")
    state = {
        "schema_version": SCHEMA_VERSION, "hwsim": __version__, "spec": text,
        "spec_sha256": hashlib.sha256(text.encode()).hexdigest(), "fingerprint": fingerprint, "finished": False,
    }  # fmt: skip
    if resume:
        _check_same(folder, state)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"'{folder}' is not empty; give --resume to go on with it, or another --out")
    try:
        (folder / "points").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder '{folder}': {error.strerror or error}") from error
    store = Store(folder, state)
    store.write_state()
    return store


def _check_same(folder: Path, state: Mapping[str, Any]) -> None:
    path = folder / STATE_FILE
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"'{folder}' holds no sweep to resume: there is no readable {STATE_FILE}") from None
    if before.get("spec_sha256") != state["spec_sha256"]:
        raise InputError(f"'{folder}' was begun from another sweep file; give another --out to start anew")
    if before.get("fingerprint") != state["fingerprint"]:
        raise InputError(
            f"'{folder}' was begun with other formulas or catalog entries; give another --out to start anew"
        )
