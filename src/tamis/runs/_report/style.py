"""The page's style sheet: quiet, in the system's own letters, light and dark, on paper and on a phone."""

STYLE = """
:root {
  --paper: #fdfcfa; --sheet: #fff; --ink: #1d1f23; --soft: #575d66; --line: #e2dfd8; --faint: #f4f2ed; --link: #1f5f86;
  --kept: #3f7d9c; --band: #bcd5e1; --dropped: #c0613a; --merged: #7d68b0; --held: #b98a1b; --quarantined: #bb3a3a;
  --dropped-t: #9c4420; --merged-t: #614b96; --held-t: #7d5b06; --quarantined-t: #a32626; --kept-t: #2a6482;
  --stay: #8fb8cc; --gone: #cf7a55; --mark: #fdeaa7; --ins: #cdeed5; --ins-t: #12481f; --del: #fbd9d2; --del-t: #7a1f10;
  --warn: #fdf4dc; --warn-line: #e2c877;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171b; --sheet: #1b1e23; --ink: #e5e3de; --soft: #a3a8b0; --line: #32363d; --faint: #20242a; --link: #85c3e4;
    --kept: #5b9dbd; --band: #2f5468; --dropped: #d97b52; --merged: #a08ad3; --held: #d3a53c; --quarantined: #e46a6a;
    --dropped-t: #eb9a76; --merged-t: #bdabe6; --held-t: #e0bb63; --quarantined-t: #f08c8c; --kept-t: #8cc4de;
    --stay: #47809b; --gone: #cf7a55; --mark: #5d4d0c; --ins: #1d4a2a; --ins-t: #c6f0d0; --del: #5c2319; --del-t: #ffd3c9;
    --warn: #2c2612; --warn-line: #6d5a1e;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0 auto; padding: 3.5rem 1.5rem 4rem; max-width: 64rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
a { color: var(--link); text-underline-offset: .18em; text-decoration-thickness: .06em; }
a:focus-visible, button:focus-visible, input:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code, pre { font-family: var(--mono); font-size: .88em; }
h1 { font-size: 2.5rem; line-height: 1.15; letter-spacing: -.02em; font-weight: 650; margin: .2rem 0 .6rem; }
h2 { font-size: 1.5rem; letter-spacing: -.01em; font-weight: 620; margin: 0 0 1rem; }
h3 { font-size: 1.15rem; font-weight: 620; margin: 2.2rem 0 .6rem; }
h4 { font-size: 1rem; font-weight: 600; margin: 1.6rem 0 .3rem; }
p { margin: .4rem 0 .8rem; }
main > section { margin-top: 4rem; }
[id] { scroll-margin-top: 5.5rem; } /* below the bar, which may have two lines */
.over { color: var(--soft); margin: 0; font-size: .9rem; }
.about { color: var(--soft); font-size: 1.1rem; max-width: 44rem; }
.note, .m, .more { color: var(--soft); }
.note { font-size: .9rem; margin: .3rem 0 .6rem; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; }

.equation { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .7rem; margin: 1.8rem 0 0; font-size: 1rem; color: var(--soft); }
.equation b { font-size: 1.9rem; font-weight: 600; letter-spacing: -.02em; color: var(--ink); }
.equation .op { font-size: 1.4rem; }
.term { white-space: nowrap; }
.equation .t-kept b { color: var(--kept-t); }
.equation .t-dropped b { color: var(--dropped-t); }
.equation .t-merged b { color: var(--merged-t); }
.equation .t-held b { color: var(--held-t); }
.equation .t-quarantined b { color: var(--quarantined-t); }

.warn { margin: 2rem 0 0; padding: 1rem 1.2rem; background: var(--warn); border: 1px solid var(--warn-line); border-radius: .5rem; }
.warn h2 { font-size: 1rem; margin: 0 0 .3rem; }
.warn ul { margin: 0; padding-left: 1.2rem; }
.warn li { margin: .15rem 0; }

nav { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1.2rem; margin-top: 2.2rem; padding: .6rem 0; background: var(--paper); border-bottom: 1px solid var(--line); font-size: .92rem; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
.tools { display: flex; gap: .5rem; margin-left: auto; }
.tools[hidden] { display: none; }
input, button { font: inherit; font-size: .88rem; color: var(--ink); background: var(--sheet); border: 1px solid var(--line); border-radius: .35rem; padding: .2rem .55rem; }
input { width: 10rem; }
button { cursor: pointer; }
.found { font-size: .88rem; color: var(--soft); }

.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; font-size: .88rem; color: var(--soft); }
.key::before { content: ""; display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: .15em; background: var(--band); vertical-align: -.05em; }
.k-dropped::before { background: var(--dropped); }
.k-merged::before { background: var(--merged); }
.k-held::before { background: var(--held); }
.k-quarantined::before { background: var(--quarantined); }
.k-kept::before { background: var(--stay); }
.k-outline::before { background: none; border: 1.5px solid var(--ink); }

.flow svg { display: block; width: 100%; height: auto; margin: 1rem 0; font-family: inherit; overflow: visible; }
.flow .narrow { display: none; max-width: 26rem; }
.flow text { fill: var(--ink); font-size: 13px; }
.flow text.r { text-anchor: end; }
.flow text.l { text-anchor: start; dominant-baseline: central; }
.flow .s { font-weight: 600; }
.flow .m { fill: var(--soft); font-size: 12px; }
.flow .b { font-weight: 600; }
.flow a { text-decoration: none; }
.flow a:hover text, .flow a:hover .s { text-decoration: underline; }
.flow a:hover path { opacity: .8; }
.band { fill: var(--band); }
.flow path.kept { fill: var(--kept); }
.flow path.dropped { fill: var(--dropped); }
.flow path.merged { fill: var(--merged); }
.flow path.held { fill: var(--held); }
.flow path.quarantined { fill: var(--quarantined); }
.flow path.lead { fill: none; stroke: var(--kept); stroke-width: 1; }
.flow .dropped-t .b { fill: var(--dropped-t); }
.flow .merged-t .b { fill: var(--merged-t); }
.flow .held-t .b { fill: var(--held-t); }
.flow .quarantined-t .b { fill: var(--quarantined-t); }
.flow .kept-t .b { fill: var(--kept-t); }

.scroll { overflow-x: auto; margin: .6rem 0 1rem; }
table { border-collapse: collapse; font-size: .92rem; min-width: 60%; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { text-align: left; padding: .32rem 1.1rem .32rem 0; border-bottom: 1px solid var(--line); vertical-align: baseline; font-weight: 400; overflow-wrap: normal; }
tbody th { min-width: 8rem; max-width: 24rem; overflow-wrap: break-word; }
th code, td code { overflow-wrap: break-word; }
thead th { color: var(--soft); font-size: .86rem; }
.n { text-align: right; white-space: nowrap; }
.zero { color: var(--soft); }
.sub { padding-left: 1rem; color: var(--soft); font-size: .9em; }
td .bar, td.bar { display: block; min-width: 8rem; }
td.bar { display: table-cell; }
.bar svg { width: 9rem; height: .6rem; display: block; }
.sha { display: inline-block; max-width: 13ch; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; user-select: all; vertical-align: bottom; cursor: copy; }
.id { cursor: copy; }
.copied { background: var(--ins); color: var(--ins-t); }

.step { margin-top: 3rem; padding-top: .2rem; border-top: 1px solid var(--line); }
.step h3 { margin-top: 1.2rem; }
.no { color: var(--soft); font-weight: 400; margin-right: .3rem; }
.account { font-size: 1.02rem; }
.reason { border-left: 3px solid var(--line); padding-left: 1.1rem; margin: 1.4rem 0; }
.r-dropped { border-color: var(--dropped); }
.r-merged { border-color: var(--merged); }
.r-held { border-color: var(--held); }
.r-quarantined { border-color: var(--quarantined); }
.r-kept { border-color: var(--stay); }
.reason h4 { margin-top: 0; }
.count { font-weight: 400; color: var(--soft); font-size: .92rem; margin-left: .3rem; }
.sentence { margin: .1rem 0 .5rem; }
.examples { display: grid; gap: .7rem; }
.ex { background: var(--sheet); border: 1px solid var(--line); border-radius: .45rem; padding: .6rem .9rem .7rem; break-inside: avoid; min-width: 0; }
.ex[hidden] { display: none; }
.at { display: flex; flex-wrap: wrap; gap: .15rem .8rem; align-items: baseline; margin: 0 0 .35rem; font-size: .85rem; color: var(--soft); }
.ev i { font-style: normal; }
.ev b, .ev q { color: var(--ink); font-weight: 600; quotes: "“" "”"; }
.tag { font-weight: 600; color: var(--ink); }
.turn { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: .2rem .8rem; margin: .2rem 0; }
.role { color: var(--soft); font-size: .85rem; padding-top: .1rem; overflow: hidden; text-overflow: ellipsis; }
.tx { margin: 0; white-space: pre-wrap; max-height: 22rem; overflow-y: auto; unicode-bidi: plaintext; }
.empty, .gone-text { color: var(--soft); font-style: italic; }
.cut { color: var(--soft); font-size: .85rem; }
.pair { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1.2rem; }
.pair .turn { grid-template-columns: minmax(0, 1fr); gap: 0; margin: .35rem 0; }
mark { background: var(--mark); color: inherit; border-radius: .15em; padding: 0 .1em; }
ins { background: var(--ins); color: var(--ins-t); text-decoration: underline; text-decoration-thickness: .08em; border-radius: .15em; }
del { background: var(--del); color: var(--del-t); text-decoration: line-through; text-decoration-thickness: .08em; border-radius: .15em; }
ins.ws, del.ws { text-decoration: none; }
.chip { font-family: var(--mono); font-size: .72em; border: 1px solid var(--soft); border-radius: .25em; padding: 0 .25em; margin: 0 .1em; color: var(--soft); white-space: nowrap; }

figure { margin: 1rem 0 1.6rem; }
figcaption { font-size: .92rem; color: var(--soft); }
figcaption b { color: var(--ink); }
.chart { display: block; width: 100%; max-width: 42rem; height: auto; margin: .4rem 0; }
.chart text { font-size: 11px; fill: var(--soft); }
.stay { fill: var(--stay); }
.gone { fill: var(--gone); }
.axis { stroke: var(--line); stroke-width: 1; }
.limit { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 3 3; }
.before { fill: none; stroke: var(--ink); stroke-width: 1.2; stroke-linejoin: round; }

details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--link); }
pre { background: var(--faint); border-radius: .4rem; padding: .8rem 1rem; overflow-x: auto; line-height: 1.45; }
footer { margin-top: 4rem; border-top: 1px solid var(--line); padding-top: 1rem; color: var(--soft); font-size: .88rem; }

@media screen and (max-width: 700px) {
  td .bar, td.bar { min-width: 0; }
  .bar svg { width: 2.6rem; } /* whole beside its figures: a bar cut off looks like any other */
  body { padding: 1.8rem 1rem 3rem; }
  h1 { font-size: 1.9rem; }
  .equation b { font-size: 1.45rem; }
  .flow .wide { display: none; }
  .flow .narrow { display: block; }
  nav { position: static; }
  .tools { margin-left: 0; width: 100%; }
  .pair { grid-template-columns: minmax(0, 1fr); gap: .7rem; }
  .turn { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .reason { padding-left: .7rem; }
  main > section { margin-top: 3rem; }
  .chart text { font-size: 17px; }
  tbody th { min-width: 0; max-width: 15rem; }
  th, td { padding-right: .55rem; }
}
@media print {
  :root {
    --paper: #fff; --sheet: #fff; --ink: #000; --soft: #444; --line: #ccc; --faint: #f5f5f5; --link: #000;
    --kept: #3f7d9c; --band: #bcd5e1; --dropped: #c0613a; --merged: #7d68b0; --held: #b98a1b; --quarantined: #bb3a3a;
    --dropped-t: #9c4420; --merged-t: #614b96; --held-t: #7d5b06; --quarantined-t: #a32626; --kept-t: #2a6482;
    --stay: #8fb8cc; --gone: #cf7a55; --mark: #fdeaa7; --ins: #cdeed5; --ins-t: #12481f; --del: #fbd9d2; --del-t: #7a1f10; --warn: #fff;
  }
  body { max-width: none; padding: 0; font-size: 10.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  nav, .skip, .warn a { display: none; }
  .examples { display: block; }
  .ex { margin-bottom: .6rem; }
  a { text-decoration: none; }
  .flow .wide { display: block; }
  .flow .narrow { display: none; }
  .tx { max-height: none; overflow: visible; }
  .scroll { overflow: visible; }
  h2, h3, h4, .at { break-after: avoid; }
  tr, .ex, figure { break-inside: avoid; }
  main > section { margin-top: 2rem; }
  details::details-content { content-visibility: visible; }
}
"""
