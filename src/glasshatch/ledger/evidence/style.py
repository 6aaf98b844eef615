"""The looks of a bundle's page: light and dark, and on paper with every event open."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --quiet: #57606a; --line: #d0d7de;
  --tint: #f6f8fa; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --paper: #0f1318; --ink: #e6edf3; --quiet: #9aa6b2;
  --line: #303a45; --tint: #171d24; --bad: #ff8a80 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 90rem; margin: 0 auto; padding: 1.5rem }
h1 { font-size: 1.5rem; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin-top: 2rem }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; max-width: 60rem }
dt { color: var(--quiet) }
dd { margin: 0; overflow-wrap: anywhere }
p { max-width: 46rem }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 4px; padding: .6rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font: 12.5px/1.45 ui-monospace, monospace; margin: .4rem 0 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line) }
td { overflow-wrap: anywhere }
thead th { position: sticky; top: 0; background: var(--paper); color: var(--quiet); font-weight: 600 }
tbody th { font-weight: 400; font-variant-numeric: tabular-nums }
td:last-child { width: 40% }
.failed td:nth-child(6) { color: var(--bad); font-weight: 600 }
summary { cursor: pointer }
@media (max-width: 50rem) { table, thead, tbody, tr, th, td { display: block; width: auto !important }
  thead { display: none } tbody tr { border-bottom: 2px solid var(--line); padding: .5rem 0 }
  th, td { border: 0; padding: .1rem 0 } .facts { display: block } dd { margin-bottom: .5rem } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --quiet: #444; --line: #999;
  --tint: #fff; --bad: #000 } main { padding: 0; max-width: none } body { font-size: 9pt }
  thead th { position: static } tr { break-inside: avoid-page } pre { font-size: 7.5pt; border: 0;
  padding: 0 }
  details::details-content { content-visibility: visible; display: block; block-size: auto } }
"""
