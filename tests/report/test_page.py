from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hwsim.errors import InputError
from hwsim.hardware import System
from hwsim.report.page import Section, write_page
from hwsim.report.quantities import quantity
from hwsim.report.run_report import write_report
from hwsim.result import Result

Results = Callable[..., Result]
Systems = Callable[..., System]
LIBRARY = re.compile(r"<script>/\*\*\n\* plotly\.js v.*?</script>", re.DOTALL)


def report(path: Path, result_of: Results, system_of: Systems) -> str:
    system = system_of()
    write_report(path, [(result_of("prefill"), system), (result_of("decode"), system)])
    return path.read_text(encoding="utf-8")


def test_plotly_is_inside_exactly_once(tmp_path: Path, result_of: Results, system_of: Systems) -> None:
    text = report(tmp_path / "report.html", result_of, system_of)
    assert len(LIBRARY.findall(text)) == 1
    assert text.count("Plotly.newPlot(") - LIBRARY.search(text)[0].count("Plotly.newPlot(") >= 3  # type: ignore[index]


def test_a_page_without_figures_carries_no_plotly(tmp_path: Path) -> None:
    path = write_page(tmp_path / "page.html", "Title", [("Heading", "<p>text</p>", "note")])
    assert len(path.read_text(encoding="utf-8")) < 20_000


def test_nothing_is_fetched(tmp_path: Path, result_of: Results, system_of: Systems) -> None:
    text = LIBRARY.sub("", report(tmp_path / "report.html", result_of, system_of))
    assert re.findall(r"""(?:src|href)\s*=\s*["']?(?!["'#]|data:)""", text) == []
    assert "url(" not in text and "@import" not in text and "http://" not in text and "https://" not in text


def test_the_numbers_in_the_table_are_those_of_the_result(
    tmp_path: Path, result_of: Results, system_of: Systems
) -> None:
    result = result_of()
    path = write_report(tmp_path / "report.html", [(result, system_of())])
    rows = re.findall(r"<tr>(.*?)</tr>", path.read_text(encoding="utf-8").split('<table class="operators">')[1])
    texts = [[re.sub("<.*?>", "", cell) for cell in re.findall(r"<td>(.*?)</td>", row)] for row in rows]
    cells = {row[0]: row for row in texts if row}
    for operator in result.operators:
        _, count, time, _, flops, moved, energy, bound = cells[operator.name]
        assert (count, bound) == (str(operator.count), operator.bound)
        assert time == quantity(operator.latency_s, "s") and moved == quantity(operator.bytes, "B")
        assert energy == quantity(operator.energy_j, "J")
        assert flops == quantity(operator.flops, "FLOP").removesuffix("FLOP").strip()


def test_names_are_escaped_everywhere(tmp_path: Path, result_of: Results, system_of: Systems) -> None:
    evil = "<script>alert(1)</script>"
    base = result_of(network=evil, device=evil, basis=evil, warnings=(evil,))
    named = replace(base, operators=tuple(replace(o, name=f"{evil}{o.name}", kind=evil) for o in base.operators))
    path = write_report(tmp_path / "report.html", [(named, system_of(evil)), (base, system_of(evil))])
    text = LIBRARY.sub("", path.read_text(encoding="utf-8"))
    assert evil not in text and html.escape(evil) in text and "alert(1)</script>" not in text


def test_a_page_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write the report"):
        write_page(tmp_path / "missing" / "page.html", "Title", [Section("Heading", "text")])


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        assert not os.environ.get("HWSIM_REQUIRE_ALL"), "chromium is not installed"
        pytest.skip("chromium is not installed")
    return found


def dump(path: Path, width: int) -> subprocess.CompletedProcess[str]:
    """Open a page in headless Chromium; stdout is its document, stderr its console."""
    return subprocess.run(
        [chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         f"--user-data-dir={path.parent / 'profile'}", "--enable-logging=stderr", "--virtual-time-budget=5000",
         f"--window-size={width},1200", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.mark.slow
def test_the_page_opens_in_a_browser_without_a_word_on_the_console(
    tmp_path: Path, result_of: Results, system_of: Systems
) -> None:
    report(tmp_path / "report.html", result_of, system_of)
    done = dump(tmp_path / "report.html", 1200)
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert done.stdout.count('class="main-svg"') >= 3, "Plotly drew no figure"


MEASURE = """<script>
window.addEventListener("load", () => setTimeout(() => {
  const boxes = [...document.querySelectorAll(".annotation-text")].map(e => e.getBoundingClientRect());
  const hit = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  let overlaps = 0;
  boxes.forEach((a, i) => boxes.slice(0, i).forEach(b => { overlaps += hit(a, b) }));
  const clipped = [...document.querySelectorAll("svg.main-svg")].filter(svg => {
    const frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].some(t => {
      const box = t.getBoundingClientRect();
      const beside = box.right > frame.right + 1 || box.left < frame.left - 1;
      return box.width > 0 && (beside || box.bottom > frame.bottom + 1);
    });
  }).length;
  const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  document.title = JSON.stringify({labels: boxes.length, overlaps, clipped, wide});
}, 500));
</script>"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [500, 720, 1000, 1400])
def test_no_label_overlaps_or_is_cut_off_and_the_page_does_not_scroll_sideways(
    width: int, tmp_path: Path, result_of: Results, system_of: Systems
) -> None:
    text = report(tmp_path / "report.html", result_of, system_of)
    (tmp_path / "report.html").write_text(text.replace("</body>", MEASURE + "</body>"), encoding="utf-8")
    title = re.search(r"<title>(.*?)</title>", dump(tmp_path / "report.html", width).stdout)
    assert title is not None
    measured = json.loads(html.unescape(title[1]))
    assert measured["labels"] >= 5
    assert (measured["overlaps"], measured["clipped"], measured["wide"]) == (0, 0, False), measured
