"""Coverage for people: a table in the terminal, and pages with the diagrams, which need nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path

from py_bpmn.svg import DrawingError, draw
from py_bpmn.testing.coverage import Coverage, Covered, Share

MOST_SHOWN = 8
"""What is missing of a process is listed as far as this; the pages have all."""
_TITLE = " bpmn coverage "
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def table(coverage: Coverage, required: float | None = None) -> str:
    """What was gone through of each process, and what was not; with a verdict if something is required."""
    rows = [("process", "elements", "flows", "missing")]
    for name, covered in _named(coverage):
        rows.append((name, str(covered.elements), str(covered.flows), _missing(covered.missing)))
    rows.append(("TOTAL", _percent(coverage.elements), _percent(coverage.flows), _verdict(coverage, required)))
    wide = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{name:<{wide[0]}}   {elements:>{wide[1]}}   {flows:>{wide[2]}}   {rest}".rstrip()
        for name, elements, flows, rest in rows
    ]
    title = _TITLE.center(min(max(map(len, lines)), 80), "-")
    return "\n".join([title, *lines]) + "\n"


def _percent(share: Share) -> str:
    return f"{share.percent} %"


def _missing(names: list[str]) -> str:
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return ", ".join(names[:MOST_SHOWN]) + more


def _verdict(coverage: Coverage, required: float | None) -> str:
    if required is None:
        return ""
    shortfall = coverage.shortfall(required)
    return f"FAIL: {shortfall}" if shortfall else ""


def _named(coverage: Coverage) -> Iterator[tuple[str, Covered]]:
    """Each process with its id, and with its digest where several models have that id."""
    ids = [covered.model.process for covered in coverage]
    for covered in coverage:
        process, digest = covered.model.key
        yield (f"{process} ({digest})" if ids.count(process) > 1 else process), covered


def pages(coverage: Coverage, required: float | None = None) -> Mapping[str, str]:
    """The report as HTML, by file name: `index.html`, and a page for each process."""
    found: dict[str, str] = {}
    names = {}
    for name, covered in _named(coverage):
        file = f"{_UNSAFE.sub('-', name).strip('-.')[:100] or 'process'}.html"
        while file in found or file == "index.html":
            file = f"_{file}"
        names[file] = (name, covered)
        found[file] = _page(f"{name} - bpmn coverage", _process(name, covered))
    index = "".join(_index(coverage, names, required))
    return {"index.html": _page("bpmn coverage", index), **found}


def write_pages(coverage: Coverage, folder: Path, required: float | None = None) -> Path:
    """Writes the pages into a folder, which is made if need be, and answers where to begin."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in pages(coverage, required).items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder / "index.html"


def _page(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def _index(coverage: Coverage, names: Mapping[str, tuple[str, Covered]], required: float | None) -> Iterator[str]:
    yield "<h1>BPMN coverage</h1>"
    verdict = _verdict(coverage, required)
    if verdict:
        yield f'<p class="fail">{escape(verdict)}</p>'
    yield "<table><tr><th>Process<th>Elements<th>Flows<th>Missing</tr>"
    for file, (name, covered) in names.items():
        link = f'<a href="{escape(file)}">{escape(name)}</a>'
        missing = escape(_missing(covered.missing))
        yield f"<tr><td>{link}{_bar(covered.elements)}{_bar(covered.flows)}<td>{missing}</tr>"
    yield f"<tr class=total><td>Total{_bar(coverage.elements)}{_bar(coverage.flows)}<td></tr></table>"


def _bar(share: Share) -> str:
    full = "full" if share.covered == share.all else "part"
    meter = f'<span class="meter {full}"><i style="width:{share.percent}%"></i></span>'
    return f"<td class=share>{meter} {share} <b>{_percent(share)}</b>"


def _process(name: str, covered: Covered) -> str:
    return "".join(
        [
            f'<p><a href="index.html">All processes</a></p><h1>{escape(name)}</h1>',
            f"<table><tr><th>Elements<th>Flows</tr><tr>{_bar(covered.elements)}{_bar(covered.flows)}</tr></table>",
            _diagram(name, covered),
            _legend(),
            *_details(covered),
        ]
    )


def _diagram(name: str, covered: Covered) -> str:
    model = covered.model
    try:
        picture = draw(
            model.diagram,
            taken_flows={id for id in model.flows if covered.taken[id]},
            missed_flows={flow.id for flow in covered.missed_flows},
            visits={id: covered.visits[id] for id in model.elements},
            missed={element.id for element in covered.missed_elements},
            title=name,
        )
    except DrawingError as error:
        return f"<p>{escape(str(error))}</p>"
    return f'<div class="picture">{picture}</div>'


def _legend() -> str:
    return (
        '<p class="legend"><i class="taken"></i> gone through, with the number of visits '
        '<i class="missed"></i> missing</p>'
    )


def _details(covered: Covered) -> Iterator[str]:
    tests: dict[str, list[str]] = {}
    for test, ids in sorted(covered.tests.items()):
        for id in ids:
            tests.setdefault(id, []).append(test)
    if covered.boundary_events:
        yield "<h2>Boundary events</h2><table><tr><th>Event<th>Attached to<th>Happened</tr>"
        for event, count in covered.boundary_events:
            yield f"<tr{_mark(count)}><td>{escape(event.id)}<td>{escape(event.host)}<td class=count>{count}</tr>"
        yield "</table>"
    if covered.outcomes:
        yield "<h2>Gateways</h2><table><tr><th>Gateway<th>Goes on to<th>Flow<th>Taken</tr>"
        for gateway, flows in covered.outcomes:
            for flow, count in flows:
                cells = f"<td>{escape(gateway.id)}<td>{escape(flow.target)}<td>{escape(flow.id)}"
                yield f"<tr{_mark(count)}>{cells}<td class=count>{count}</tr>"
        yield "</table>"
    yield "<h2>Elements</h2><table><tr><th>Element<th>Name<th>Kind<th>Visits<th>Tests</tr>"
    for element in covered.model.elements.values():
        count = covered.visits[element.id]
        cells = f"<td>{escape(element.id)}<td>{escape(element.name)}<td>{escape(element.tag)}<td class=count>{count}"
        yield f"<tr{_mark(count)}>{cells}<td>{_tests(tests.get(element.id, ()))}</tr>"
    yield "</table><h2>Flows</h2><table><tr><th>From<th>To<th>Flow<th>Taken<th>Tests</tr>"
    for flow in covered.model.flows.values():
        count = covered.taken[flow.id]
        cells = f"<td>{escape(flow.source)}<td>{escape(flow.target)}<td>{escape(flow.id)}<td class=count>{count}"
        yield f"<tr{_mark(count)}>{cells}<td>{_tests(tests.get(flow.id, ()))}</tr>"
    yield "</table>"
    if covered.tests:
        yield "<h2>Tests</h2><ul>"
        yield from (f"<li>{escape(test)}: {len(ids)} elements and flows" for test, ids in sorted(covered.tests.items()))
        yield "</ul>"


def _mark(count: int) -> str:
    return "" if count else ' class="missing"'


def _tests(names: Iterable[str]) -> str:
    names = list(names)
    if not names:
        return ""
    listed = "".join(f"<li>{escape(name)}" for name in names)
    return f"<details><summary>{len(names)}</summary><ul>{listed}</ul></details>"


_STYLE = """
:root{color-scheme:light dark}
body{font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;margin:24px auto;\
max-width:1400px;padding:0 24px;color:#1f2328;background:#fff}
h1{font-size:24px;margin:8px 0 16px}h2{font-size:17px;margin:32px 0 8px}
a{color:#0969da}
table{border-collapse:collapse;margin:8px 0}
th,td{text-align:left;padding:5px 14px 5px 0;border-bottom:1px solid #d8dee4;vertical-align:top}
th{font-weight:600;color:#57606a}
.count{text-align:right;font-variant-numeric:tabular-nums}
.share{white-space:nowrap;font-variant-numeric:tabular-nums}
.total td{font-weight:600}
.missing td{color:#cf222e}
.fail{color:#cf222e;font-weight:600}
.meter{display:inline-block;width:90px;height:8px;border-radius:4px;background:#ffcecb;overflow:hidden}
.meter i{display:block;height:100%;background:#1a7f37}
.picture{overflow:auto;border:1px solid #d8dee4;border-radius:8px;margin:16px 0 8px}
.picture svg{display:block}
.legend{color:#57606a}.legend i{display:inline-block;width:28px;vertical-align:middle;margin:0 6px 0 12px}
.legend .taken{border-top:3px solid #1a7f37}.legend .missed{border-top:2px dashed #cf222e}
ul{margin:4px 0;padding-left:20px}summary{cursor:pointer}
@media (prefers-color-scheme:dark){
body{color:#e6edf3;background:#0d1117}a{color:#4493f8}
th,td,.picture{border-color:#30363d}th,.legend{color:#8b949e}
.missing td,.fail{color:#ff7b72}.meter{background:#5d1f1d}.meter i{background:#3fb950}
.legend .taken{border-color:#3fb950}.legend .missed{border-color:#ff7b72}
}
"""
