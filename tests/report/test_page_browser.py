"""The page in a real browser: rendered, hovered over, on a phone's width, fed with hostile run folders."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from browser import Browser, find_chromium
from page_runs import sample_table, synapse_run, write_run

from cimspice.report.page import write_page

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt-get install chromium (the page's other tests run without)"
)
ATTACKS = (
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=2</script>",
    '"><img src=x onerror="window.pwned=3">',
    '<a href="https://example.org/pwned=4">here</a>',
    "%{x}<b onmouseover=alert(5)>bold</b>",
    "</title></style><svg onload=window.pwned=6>",
    "$\\href{javascript:alert(7)}{x}$\u2028&lt;script&gt;",
)


@pytest.fixture(scope="module")
def browser():
    with Browser(str(CHROMIUM)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _no_complaints(browser):
    browser.errors.clear()
    browser.requests.clear()
    yield
    assert browser.errors == []
    assert [
        url for url in browser.requests if not url.startswith(("file:", "data:", "blob:", "about:"))
    ] == []


def full_run(folder):
    """Samples at corners, limits, a figure and failures."""
    return write_run(
        folder,
        sample_table(60),
        ["corner", "temperature", "sample"],
        figures=[{"x": "sample", "y": "delay", "by": ["corner", "temperature"]}],
        limits=[{"column": "delay", "minimum": 0.8e-9, "maximum": 1.3e-9}],
        failures=[
            {"corner": "ss", "temperature": 27, "error": "NonConvergence", "message": "timestep too small"}
        ],
    )


def place_of(browser, chart, trace, point):
    """Where in the window a point of a trace is."""
    return browser.evaluate(
        f"(() => {{ const chart = document.getElementById('chart-{chart}'); "
        f"chart.scrollIntoView({{behavior: 'instant'}}); "
        f"const trace = chart.data[{trace}], layout = chart._fullLayout; "
        f"const box = chart.getBoundingClientRect(); "
        f"return {{x: box.x + layout._size.l + layout.xaxis.d2p(trace.x[{point}]), "
        f"y: box.y + layout._size.t + layout.yaxis.d2p((trace.y || trace.median)[{point}])}}; }})()"
    )


def trace_row(browser, trace, point):
    """The values of a point of the first chart."""
    data = f"document.getElementById('chart-0').data[{trace}]"
    return browser.evaluate(f"({{x: {data}.x[{point}], y: {data}.y[{point}]}})")


def drawn(browser):
    """Number of charts whose plot area and traces are there."""
    return browser.evaluate(
        "[...document.querySelectorAll('.chart')].filter(c => c.querySelector('.main-svg') && "
        "c.querySelectorAll('.trace, .boxes, .bars, .scatterlayer path').length > 0 && "
        "c.getBoundingClientRect().height > 200).length"
    )


@pytest.mark.parametrize("make", [full_run, synapse_run])
def test_every_figure_is_drawn_without_a_word_on_the_console(browser, tmp_path, make):
    page = write_page(make(tmp_path / "run"), tmp_path / "page.html")
    browser.open(page.path)
    assert page.figures >= 3
    assert drawn(browser) == page.figures


def test_a_menu_shows_another_view(browser, tmp_path):
    page = write_page(full_run(tmp_path / "run"), tmp_path / "page.html")
    browser.open(page.path)
    number = browser.evaluate("document.querySelector('select').dataset.chart")
    before = browser.evaluate(f"JSON.stringify(document.getElementById('chart-{number}').data[0].y)")
    browser.evaluate(
        "(() => { const menu = document.querySelector('select'); "
        "menu.selectedIndex = (menu.selectedIndex + 1) % menu.options.length; "
        "menu.dispatchEvent(new Event('change')); })()"
    )
    after = f"JSON.stringify(document.getElementById('chart-{number}').data[0].y)"
    browser.wait(f"{after} !== {json.dumps(before)}")


def test_pointing_at_a_curve_shows_its_values(browser, tmp_path):
    page = write_page(synapse_run(tmp_path / "run"), tmp_path / "page.html")
    browser.open(page.path)
    shown = "document.querySelector('#chart-0 .hoverlayer').textContent.includes('current')"
    for _ in range(100):  # the chart may still find its place in the page
        place = place_of(browser, chart=0, trace=3, point=9)
        browser.move(place["x"] + 1, place["y"])
        browser.move(place["x"], place["y"])
        if browser.evaluate(f"new Promise(done => setTimeout(() => done({shown}), 100))"):
            break
    reported = browser.evaluate("document.querySelector('#chart-0 .hoverlayer').textContent")
    row = trace_row(browser, 3, 9)
    assert f"membrane voltage: {row['x']:g} V" in reported
    assert f"current: {float(row['y']):.5g} nA" in reported
    assert "0.56 V" in reported


def test_the_page_can_be_read_on_a_phone(browser, tmp_path):
    page = write_page(full_run(tmp_path / "run"), tmp_path / "page.html")
    browser.open(page.path, 390, 844)
    assert browser.evaluate("document.documentElement.scrollWidth") == 390
    assert drawn(browser) == page.figures
    outside = browser.evaluate(
        "[...document.querySelectorAll('.chart, h1, h2, figcaption, p, select')].map("
        "e => e.getBoundingClientRect()).filter(box => box.right > 391 || box.left < -1).length"
    )
    assert outside == 0
    entries = browser.evaluate(
        "[...document.querySelectorAll('.legend .traces, .legendtitletext')].map("
        "e => e.getBoundingClientRect()).filter(box => box.right > 391 || box.left < -1).length"
    )
    assert entries == 0
    smallest = browser.evaluate(
        "Math.min(...[...document.querySelectorAll('td, p, .xtick text')].map("
        "e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert smallest >= 10
    assert browser.evaluate("document.getElementById('chart-0')._fullLayout._size.w") > 200


def hostile_run(folder):
    """Every text of a run folder that a stranger can choose is an attack."""
    names = [f"name {number} {attack}" for number, attack in enumerate(ATTACKS)]
    random = np.random.default_rng(3)
    rows = [
        (corner, temperature, sample, word, *random.normal(size=2))
        for corner in ATTACKS[:3]
        for temperature in (27.0, 85.0)
        for word in ATTACKS[3:5]
        for sample in range(4)
    ]
    table = pd.DataFrame(rows, columns=["corner", "temperature", "sample", names[0], names[1], names[2]])
    folder = write_run(
        folder,
        table,
        ["corner", "temperature", "sample", names[0]],
        title="".join(ATTACKS),
        provenance=dict(zip(names, ATTACKS, strict=True)),
        units=dict.fromkeys(names, ATTACKS[0]),
        figures=[
            {"x": "sample", "y": names[1], "by": ["corner", names[0]], "title": ATTACKS[0]},
            {"x": "temperature", "y": names[2], "by": [names[0]], "title": ATTACKS[1]},
            {"x": ATTACKS[2], "y": ATTACKS[3]},
        ],
        limits=[{"column": names[1], "maximum": 0.5}, {"column": ATTACKS[2]}, {ATTACKS[1]: ATTACKS[0]}],
        failures=[
            {"corner": attack, "parameters": {attack: attack}, "error": attack, "message": attack}
            for attack in ATTACKS
        ],
    )
    part = {"origin": "measured", "data": {"kind": ATTACKS[0]}, "source": {ATTACKS[2]: ATTACKS[3]},
            "parameters": {ATTACKS[1]: {"value": 1, "reason": ATTACKS[0]}}}  # fmt: skip
    card = {"schema": "cimspice.card/1", "family": "model", "parts": {ATTACKS[0]: part}}
    (folder / "<img src=x onerror=alert(8)>.json").write_text(json.dumps(card))
    return folder


def test_nothing_in_a_run_folder_becomes_code(browser, tmp_path):
    page = write_page(hostile_run(tmp_path / "run"), tmp_path / "page.html")
    browser.open(page.path)
    assert page.figures >= 4
    assert drawn(browser) == page.figures
    for number in range(page.figures):  # hover texts are made only when they are shown
        place = place_of(browser, number, trace=0, point=0)
        browser.move(place["x"] + 5, place["y"] + 5)
        browser.move(place["x"], place["y"])
    assert browser.evaluate("window.pwned") is None
    assert (
        browser.evaluate("document.querySelectorAll('img, svg [onload], a[href^=javascript], b').length") == 0
    )
    links = browser.evaluate(
        "[...document.querySelectorAll('a')].map(a => a.getAttribute('href') || a.getAttribute('xlink:href'))"
        ".filter(address => address && !address.startsWith('#')).length"
    )
    assert links == 0
    legends = browser.evaluate("[...document.querySelectorAll('.legendtext')].map(e => e.textContent).join()")
    assert ATTACKS[3] in legends
    assert ATTACKS[4] in legends
    assert browser.evaluate("document.querySelector('h1').textContent") == "".join(ATTACKS)
    shown = browser.evaluate("document.body.innerText")
    assert ATTACKS[1] in shown


def test_scripts_run_by_their_digest_only(browser, tmp_path):
    page = write_page(full_run(tmp_path / "run"), tmp_path / "page.html")
    planted = page.path.read_text().replace("</main>", "<script>window.pwned = 1</script></main>")
    page.path.write_text(planted)
    browser.open(page.path)
    assert browser.evaluate("window.pwned") is None
    assert any("Content Security Policy" in error for error in browser.errors)
    browser.errors.clear()
