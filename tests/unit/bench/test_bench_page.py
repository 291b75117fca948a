"""Tables of docs/performance.md from the suite's JSON."""

import copy
import json
import re

import pytest
from scripts.bench import page
from scripts.bench.figure import PANELS, curves, draw_growth
from scripts.bench.rounds import row_of
from scripts.bench.suite import PARTS

ROWS = [
    row_of("1,000 jets", "bare", "entries/s", [4e6, 5e6, 6e6]),
    row_of("1,000 jets", "hepad", "entries/s", [3e6], {"bare": [4e6], "hepad": [3e6]}, ("bare",)),
]
FOUND = {
    "schema": 1,
    "date": "2026-11-27 12:00 UTC",
    "hepad": "0.1",
    "device": "cpu",
    "hardware": {"processor": "a CPU", "cores": 2, "threads": 2, "load": 0.1, "gpu": None},
    "versions": {"torch": "2.13"},
    "rounds": 3,
    "parts": {"scoring": {"seconds": 1.0, "error": None, "left_out": None, "rows": [row.plain() for row in ROWS]}},
}
PAGE = """# Performance
<!-- bench cpu machine -->
<!-- /bench -->
By hand.
<!-- bench cpu scoring -->
old
<!-- /bench -->
<!-- bench cuda scoring -->
of a GPU
<!-- /bench -->
<!-- bench cpu training -->
kept
<!-- /bench -->
"""


def test_a_table_takes_the_place_of_the_old_one():
    text = page.updated(PAGE, FOUND)
    assert "| 1,000 jets | hepad | 3 M | entries/s |  | 0.75 |" in text
    assert "| 1,000 jets | bare | 5 M | entries/s | 4 M – 6 M |  |" in text
    assert "old" not in text
    assert "a CPU" in text
    assert all(kept in text for kept in ("By hand.", "of a GPU", "kept", "*2026-11-27 12:00 UTC*"))
    assert page.updated(text, FOUND) == text


def test_rows_that_were_not_measured_again_stay_with_their_date():
    text = page.updated(PAGE, FOUND)
    later = copy.deepcopy(FOUND) | {"date": "2026-11-28 12:00 UTC"}
    later["parts"]["scoring"]["rows"] = [
        row_of("1,000 jets", "hepad", "entries/s", [5e6], {"bare": [4e6], "hepad": [5e6]}, ("bare",)).plain(),
        row_of("2,000 jets", "hepad", "entries/s", [7e6]).plain(),
    ]
    rows = [line for line in page.updated(text, later).splitlines() if line.startswith("| ") and "jets" in line]
    assert [row.split(" | ")[1:3] for row in rows] == [["bare", "5 M"], ["hepad", "5 M"], ["hepad", "7 M"]]
    assert "*2026-11-28 12:00 UTC* *(the other rows: 2026-11-27 12:00 UTC)*" in page.updated(text, later)


def test_a_busy_machine_is_named_and_a_failed_part_is_kept():
    busy = copy.deepcopy(FOUND)
    busy["hardware"]["load"] = 4.2
    assert "busy machine (load 4.2 on 2 cores" in page.updated(PAGE, busy)
    busy["parts"]["scoring"]["error"] = "ValueError: no"
    assert "old" in page.updated(PAGE, busy)


def test_the_command_writes_the_page_and_refuses_other_files(tmp_path):
    (tmp_path / "page.md").write_text(PAGE)
    (tmp_path / "bench.json").write_text(json.dumps(FOUND))
    page.main([str(tmp_path / "bench.json"), "--page", str(tmp_path / "page.md")])
    assert "3 M" in (tmp_path / "page.md").read_text()
    (tmp_path / "bench.json").write_text("{}")
    with pytest.raises(SystemExit, match="is not what"):
        page.main([str(tmp_path / "bench.json"), "--page", str(tmp_path / "page.md")])


def test_the_page_has_a_place_for_every_part():
    marked = re.findall(r"<!-- bench (\w+) (\w+) -->", page.PAGE.read_text(encoding="utf-8"))
    assert {part for device, part in marked if device == "cpu"} == {*PARTS, "machine"}


def test_growth_is_drawn(tmp_path):
    rows = [
        row_of(f"{what} {size}", way, "entries/s", [10.0 * size]).plain()
        for what, way in (("entries", "hepad.score"), ("entries", "hepad.score, peak memory"), ("batch", "bare loop"))
        for size in (10, 100)
    ]
    found = curves(rows)
    assert set(found) == {"entries", "memory", "batch"} < set(PANELS)
    assert found["memory"]["hepad.score"] == [(10, 100.0), (100, 1000.0)]
    draw_growth(rows, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
