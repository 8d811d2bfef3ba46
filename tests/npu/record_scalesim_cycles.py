"""Run SCALE-Sim over a grid of layers and print its cycle counts as JSON. Runs in an environment of its own:

    python -m venv scalesim-env && scalesim-env/bin/pip install 'scalesim==3.0.0' 'numpy<2'
    scalesim-env/bin/python tests/npu/record_scalesim_cycles.py > tests/npu/scalesim_cycles.json

``--quick`` runs a tenth of the grid.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import sys
import tempfile
from pathlib import Path

DATAFLOWS = {"os": "output_stationary", "ws": "weight_stationary", "is": "input_stationary"}
ARRAYS = [(4, 4), (8, 16), (7, 5), (1, 4), (16, 8), (32, 32)]
PRODUCTS = [(1, 1, 1), (4, 4, 4), (5, 9, 13), (16, 8, 32), (33, 17, 31), (64, 64, 64), (1, 40, 100), (100, 1, 7)]
#: rows, columns, filter rows, filter columns, channels, filters, stride
CONVOLUTIONS = [(8, 8, 3, 3, 3, 4, 1), (11, 9, 5, 3, 2, 7, 2), (6, 6, 1, 1, 16, 9, 1), (13, 13, 3, 3, 4, 12, 2)]

CONFIGURATION = """[general]
run_name = run
[architecture_presets]
ArrayHeight: {rows}
ArrayWidth: {columns}
IfmapSramSzkB: 1024
FilterSramSzkB: 1024
OfmapSramSzkB: 1024
IfmapOffset: 0
FilterOffset: 10000000
OfmapOffset: 20000000
Dataflow: {dataflow}
Bandwidth: 10
ReadRequestBuffer: 64
WriteRequestBuffer: 64
[layout]
IfmapCustomLayout: False
FilterCustomLayout: False
IfmapSRAMBankBandwidth: 10
IfmapSRAMBankNum: 10
IfmapSRAMBankPort: 2
FilterSRAMBankBandwidth: 10
FilterSRAMBankNum: 10
FilterSRAMBankPort: 2
[sparsity]
SparsitySupport: false
[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
"""


def run(rows: int, columns: int, dataflow: str, table: list[list[object]], is_product: bool) -> list[int]:
    """Return SCALE-Sim's total cycles (ideal memory) of each layer of a table."""
    from scalesim.scale_sim import scalesim  # type: ignore[import-not-found, unused-ignore]

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        configuration, topology, layout = Path(folder, "a.cfg"), Path(folder, "t.csv"), Path(folder, "l.csv")
        configuration.write_text(CONFIGURATION.format(rows=rows, columns=columns, dataflow=dataflow))
        lines = [",".join(map(str, [f"layer{i}", *row])) + "," for i, row in enumerate(table)]
        topology.write_text("\n".join(["header,", *lines]) + "\n")
        layout.write_text("\n".join(["header,", *(f"layer{i}," + "1," * 20 for i in range(len(table)))]) + "\n")
        simulator = scalesim(
            save_disk_space=True, verbose=False, config=str(configuration), topology=str(topology),
            layout=str(layout), input_type_gemm=is_product,
        )  # fmt: skip
        simulator.run_scale(top_path=folder)
        with Path(folder, "run", "COMPUTE_REPORT.csv").open() as file:
            report = list(csv.DictReader(file, skipinitialspace=True))
    return [round(float(line["Total Cycles"])) for line in report]


def main(quick: bool) -> None:
    """Print one record a layer, dataflow and array."""
    records = []
    grid = list(itertools.product(ARRAYS, DATAFLOWS))
    for (rows, columns), short in grid[::6] if quick else grid:
        products = [[m, n, k] for m, n, k in PRODUCTS]
        convolutions = [list(each) for each in CONVOLUTIONS]
        cycles = run(rows, columns, short, [list(each) for each in products], True)
        cycles += run(rows, columns, short, [list(each) for each in convolutions], False)
        for shape, count in zip(products + convolutions, cycles, strict=True):
            records.append({"array": [rows, columns], "dataflow": DATAFLOWS[short], "shape": shape, "cycles": count})
    print("[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]")


if __name__ == "__main__":
    main("--quick" in sys.argv)
