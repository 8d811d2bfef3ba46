"""The page's style sheet: system fonts, one column, light and dark, print; Plotly's texts and lines follow it."""

STYLE = """
:root { --ink: #1b1f24; --soft: #5b6572; --line: #d9dee4; --grid: #e6e9ed; --paper: #ffffff; --raised: #f5f7f9;
  --accent: #1f6feb; --warn-ink: #7a4b00; --warn: #fff4dc;
  --compute: #d97706; --memory: #2f7fd1; --cache: #2a9d6f; --link: #b452a8; --launch: #c2453d;
  --weights: #2f7fd1; --kv: #d97706; --activations: #2a9d6f; --free: #e1e6eb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #a0abb8; --line: #353c45; --grid: #2a3038;
  --paper: #14171b; --raised: #1d2127; --accent: #6cb0ff; --warn-ink: #ffd98a; --warn: #3a2d10;
  --compute: #f0a03c; --memory: #5aa5ee; --cache: #4cc795; --link: #d585ca; --launch: #ee7a72;
  --weights: #5aa5ee; --kv: #f0a03c; --activations: #4cc795; --free: #2a3038; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5; font-size: 16px;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 12px; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 0 0 8px; overflow-wrap: anywhere; }
section { margin-top: 40px; }
.lead { color: var(--soft); margin: 0; overflow-wrap: anywhere; }
.note { color: var(--soft); font-size: 0.875rem; margin: 8px 0 0; max-width: 80ch; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-top: 20px; padding: 10px 0; font-size: 0.875rem;
  border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
.single > div, .side-by-side > div { min-width: 0; }
.single .figure { overflow-x: auto; } .single .figure > div { min-width: 680px; }
.side-by-side .text { grid-column: 1 / -1; }
.side-by-side { display: grid; gap: 28px 36px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
.cards { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); margin: 0; }
.cards div { background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
.cards dt { color: var(--soft); font-size: 0.8125rem; }
.cards dd { margin: 2px 0 0; font-size: 1.375rem; font-weight: 600; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.cards dd small { display: block; font-size: 0.8125rem; font-weight: 400; color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child, .left { text-align: left; }
tbody tr:hover { background: var(--raised); }
tfoot td { font-weight: 600; border-bottom: none; }
table.pairs td { text-align: left; white-space: normal; overflow-wrap: anywhere; vertical-align: top; }
table.pairs td:first-child { color: var(--soft); white-space: nowrap; width: 1%; padding-left: 0; }
table.plain td { white-space: normal; text-align: left; vertical-align: top; min-width: 72px; }
table.plain th { text-align: left; }
table.wrapped th, table.wrapped td { padding: 6px 7px; }
table.wrapped th, table.wrapped td:last-child { white-space: normal; }
table.named td:nth-child(2), table.named th:nth-child(2) { white-space: normal; text-align: left; }
table.reasoned td:first-child { white-space: normal; width: 34%; }
table.reasoned td:last-child, table.reasoned th:last-child { text-align: left; width: 34%; }
table.compare { width: auto; min-width: min(100%, 640px); }
table.compare td, table.compare th { white-space: normal; min-width: 120px; }
.dot { display: inline-block; width: 0.7em; height: 0.7em; border-radius: 2px; margin-right: 0.45em; }
.strip { display: flex; height: 26px; border-radius: 5px; overflow: hidden; background: var(--free); gap: 1px; }
.strip span { min-width: 2px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 20px; margin: 6px 0 16px; padding: 0; list-style: none;
  font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.sign { margin-right: 0.4em; color: var(--soft); }
.warning { background: var(--warn); color: var(--warn-ink); border-radius: 8px; padding: 10px 14px; margin: 12px 0 0; }
pre { background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; margin: 0 0 8px;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.8125rem; }
.js-plotly-plot .plotly text { fill: var(--ink) !important; }
.js-plotly-plot .plotly .hoverlayer text { fill: #1b1f24 !important; }
.js-plotly-plot .plotly .gridlayer path { stroke: var(--grid) !important; }
.js-plotly-plot .plotly .zerolinelayer path { stroke: var(--line) !important; }
.js-plotly-plot .plotly .annotation-arrow-g path { stroke: var(--soft) !important; }
@media (max-width: 640px) { main { padding: 20px 14px 48px; } h1 { font-size: 1.4rem; } th, td { padding: 6px 7px; } }
@media print { nav { display: none; } section { break-inside: avoid; } main { max-width: none; padding: 0; } }
"""
