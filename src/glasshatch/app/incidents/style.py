"""The looks of a post-mortem: light and dark, wide and narrow, and on paper."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --quiet: #57606a; --line: #d8dee4;
  --tint: #f6f8fa; --bad: #b3261e; --mark: #0b57d0; --warn: #8a5a00; --warntint: #fff6e0 }
@media (prefers-color-scheme: dark) { :root { --paper: #0f1318; --ink: #e6edf3; --quiet: #9aa6b2;
  --line: #2d3640; --tint: #171d24; --bad: #ff8a80; --mark: #8ab4f8; --warn: #f2c14e; --warntint: #2a2312 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 system-ui, sans-serif }
main { max-width: 76rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem }
header p { color: var(--quiet); margin: .2rem 0 }
.over { text-transform: uppercase; letter-spacing: .08em; font-size: .78rem; font-weight: 600 }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .3rem 0 .6rem; overflow-wrap: anywhere }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .7rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 1.2rem 0 .2rem }
p, ul { max-width: 46rem }
.quiet { color: var(--quiet) }
.chips { display: flex; flex-wrap: wrap; gap: .4rem; margin: .8rem 0 0; padding: 0; list-style: none }
.chips li { border: 1px solid var(--line); background: var(--tint); border-radius: 999px;
  padding: .1rem .7rem; font-size: .85rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem;
  margin: 1.6rem 0 0 }
.tiles div { border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem;
  background: var(--tint) }
.tiles b { display: block; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere }
.tiles span { color: var(--quiet); font-size: .85rem }
.answer { white-space: pre-wrap; overflow-wrap: anywhere; margin: .2rem 0 }
.missing { color: var(--warn) }
.pin { border: 1px solid var(--line); border-left: 4px solid var(--mark); border-radius: 6px;
  padding: .7rem 1rem; margin: .7rem 0; break-inside: avoid }
.pin p { margin: .25rem 0; max-width: none }
.pin .why { font-weight: 600 }
code, pre { font: 12.5px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem;
  white-space: pre-wrap }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .88rem }
th, td { text-align: left; vertical-align: top; padding: .32rem .6rem .32rem 0;
  border-bottom: 1px solid var(--line) }
td { overflow-wrap: anywhere }
thead th { color: var(--quiet); font-weight: 600; white-space: nowrap }
td.time, td.number { white-space: nowrap; font-variant-numeric: tabular-nums }
td.number, th.number { text-align: right; padding-right: 1.2rem }
tr.failed .result { color: var(--bad); font-weight: 600 }
tr.inferred { color: var(--quiet); font-style: italic }
tr.gap td { background: var(--warntint); color: var(--warn) }
tr.pinned td:first-child { box-shadow: inset 3px 0 var(--mark); padding-left: .6rem }
footer { margin-top: 3rem; color: var(--quiet); font-size: .85rem }
@media (max-width: 48rem) { main { padding: 1.2rem 1rem } h1 { font-size: 1.5rem } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --quiet: #444; --line: #bbb;
  --tint: #fff;  --bad: #900; --mark: #036; --warn: #630; --warntint: #fff }
  body { font-size: 9.5pt } main { padding: 0; max-width: none } h2 { break-after: avoid }
  tr { break-inside: avoid }
  table { font-size: 7.5pt } .scroll { overflow: visible } thead { display: table-header-group } }
@page { margin: 16mm 14mm }
"""
