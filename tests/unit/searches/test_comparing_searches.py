"""Several searches side by side: what each found, medians over seeds, and what they do not share."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.fake_searches import fake_search

from hepad.core.errors import UserError
from hepad.searches.comparing import compare_searches, injected_signal
from hepad.searches.comparison_page import comparison_figures, comparison_report, write_search_comparison
from hepad.searches.comparison_tables import as_rows, injection_curves, limits_table, searches_table, seeds_table
from hepad.searches.findings import smallest_p
from hepad.searches.places import find_searches
from hepad.searches.record import SearchRecord
from hepad.searches.record_file import write_record

SMALL = {"n_windows": 2, "methods": ("cathode",), "efficiencies": (1.0, 0.01), "null": False}


def write(directory: Path, record: SearchRecord, **settings: object) -> Path:
    directory.mkdir(parents=True)
    write_record(directory, replace(record, settings=settings))
    return directory


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Searches with three amounts of signal and three seeds of each."""
    place = tmp_path_factory.mktemp("sweep")
    for n in (0, 100, 300):
        for seed in range(3):
            record = fake_search(100 * n + seed, n_signal=n, **SMALL)
            write(place / f"n{n}_s{seed}", record, seed=seed, injection={"events": n}, folds=5)
    return place


def test_searches_are_found_by_the_order_of_their_numbers(sweep):
    found, unfinished = find_searches([sweep])
    assert [path.name for path in found] == [f"n{n}_s{seed}" for n in (0, 100, 300) for seed in range(3)]
    assert unfinished == []
    assert find_searches([sweep / "n0_s1", str(sweep / "n0*"), "nothing"])[0] == [
        sweep / "n0_s1",
        sweep / "n0_s0",
        sweep / "n0_s2",
    ]


def test_the_stages_of_a_search_are_its_own(tmp_path):
    search = write(tmp_path / "a", fake_search(0, **SMALL))
    write(search / "stages/result", fake_search(1, **SMALL))
    (search / "stages/run").mkdir()
    (search / "stages/run/config.yaml").write_text("model: {}\n")
    assert find_searches([tmp_path]) == ([search], [])


def test_runs_and_searches_together_are_refused(tmp_path):
    search = write(tmp_path / "a", fake_search(0, **SMALL))
    run = tmp_path / "b"
    run.mkdir()
    (run / "config.yaml").write_text("model: {_target_: hepad.models.DenseAE}\n")
    with pytest.raises(UserError, match=r"a is a search and .*b a run") as refused:
        find_searches([search, run])
    assert len(str(refused.value).splitlines()) == 1
    assert find_searches([run]) == ([], [])


def test_an_unfinished_search_is_told_and_left_out(tmp_path):
    finished = [write(tmp_path / f"s{i}", fake_search(i, **SMALL), seed=i) for i in range(2)]
    begun = tmp_path / "s2"
    begun.mkdir()
    (begun / "config.yaml").write_text("scan: {windows: 1}\nmethods: {}\n")
    assert find_searches([tmp_path]) == (finished, [begun])
    comparison = compare_searches(finished, [begun])
    assert any("s2 is not finished" in note for note in comparison.notes)
    with pytest.raises(UserError, match=r"at least two finished searches; there are 1; .*s2 is not finished"):
        compare_searches(finished[:1], [begun])


def test_medians_are_those_of_the_records(sweep):
    comparison = compare_searches(find_searches([sweep])[0])
    assert comparison.amounts == [0.0, 100.0, 300.0]
    assert comparison.series == ["cathode"]
    table = seeds_table(comparison)
    for row, n in zip(table.rows, (0, 100, 300), strict=True):
        records = [fake_search(100 * n + seed, n_signal=n, **SMALL) for seed in range(3)]
        z = [smallest_p(record, record.methods[0]).z for record in records]
        assert row[:3] == ["cathode", replace(row[1], text=f"{n}"), 3]
        assert row[3].value == pytest.approx(np.median(z))
        assert (row[3].low, row[3].high) == pytest.approx(tuple(np.quantile(z, [0.16, 0.84])))
    assert {figure.name for figure in comparison_figures(comparison)} == {"injection", "searches"}


def test_searches_that_differ_otherwise_make_curves_of_their_own(tmp_path):
    places = [
        write(tmp_path / f"f{folds}_n{n}", fake_search(n, n_signal=n, **SMALL), folds=folds, injection={"events": n})
        for folds in (3, 5)
        for n in (0, 200)
    ]  # fmt: skip
    comparison = compare_searches(places)
    assert comparison.series == ["cathode, folds=3", "cathode, folds=5"]
    curves = injection_curves(comparison)["Largest local Z"]
    assert [list(curve.amount) for curve in curves.values()] == [[0.0, 200.0]] * 2
    # Two seeds of nothing: each search stands for itself.
    assert seeds_table(comparison) is None


def test_a_number_spelled_otherwise_is_no_difference(tmp_path):
    for name, center, cuts in (("a", 3500, [1, 0.1]), ("b", 3500.0, [1.0, 0.10])):
        write(tmp_path / name, fake_search(0, **SMALL), scan={"center": center, "unit": name}, cuts=cuts, toys=center)
    comparison = compare_searches(find_searches([tmp_path])[0])
    assert comparison.series == ["cathode"]
    assert set(comparison.settings["a"]) == {"scan.unit"}


def test_searches_of_other_features_are_no_repetition(tmp_path):
    write(tmp_path / "a", fake_search(0, **SMALL), seed=0)
    write(tmp_path / "b", replace(fake_search(1, **SMALL), features=("tau21", "mass")), seed=1)
    comparison = compare_searches(find_searches([tmp_path])[0])
    assert comparison.series[1] == "cathode, features=[tau21,mass]"
    assert seeds_table(comparison) is None


def test_settings_of_another_method_are_no_difference(tmp_path):
    settings = {"a": {"methods": {"cathode": {"density": "maf"}}}, "b": {"methods": {"cwola": {"density": "nsf"}}}}
    for name, method in (("a", "cathode"), ("b", "cwola")):
        write(tmp_path / name, fake_search(0, **{**SMALL, "methods": (method,)}), **settings[name])
    assert compare_searches(find_searches([tmp_path])[0]).series == ["cathode", "cwola"]


def test_a_comparison_without_injection_has_no_such_curve(tmp_path):
    for i in range(2):
        record = fake_search(i, n_signal=50, **SMALL)
        samples = {name: {k: v for k, v in facts.items() if k != "injected"} for name, facts in record.samples.items()}
        write(tmp_path / f"s{i}", replace(record, samples=samples), seed=i)
    comparison = compare_searches(find_searches([tmp_path])[0])
    assert injected_signal(comparison.records["s0"]) is None
    assert {figure.name for figure in comparison_figures(comparison)} == {"searches"}
    assert "Injected" not in searches_table(comparison).header


def test_searches_of_other_observables_are_refused_and_other_windows_told(tmp_path):
    first = write(tmp_path / "a", fake_search(0, **SMALL))
    other = write(tmp_path / "b", replace(fake_search(1, **SMALL), observable="m_tt"))
    with pytest.raises(UserError, match="scan m_jj and m_tt"):
        compare_searches([first, other])
    light = write(tmp_path / "d", replace(fake_search(1, **SMALL), unit="TeV"))
    with pytest.raises(UserError, match="measure in GeV and TeV"):
        compare_searches([first, light])
    wide = write(tmp_path / "c", fake_search(1, **{**SMALL, "n_windows": 3}))
    assert any("different windows" in note for note in compare_searches([first, wide]).notes)


def test_what_is_written_holds_every_number(sweep, tmp_path):
    searches = find_searches([sweep])[0][3:5]
    comparison = compare_searches(searches)
    page = write_search_comparison(comparison, tmp_path / "out")
    assert page.name == "comparison.html"
    content = json.loads((tmp_path / "out/comparison.json").read_text())
    rows = list(csv.DictReader((tmp_path / "out/comparison.csv").read_text().splitlines()))
    assert content["rows"] == as_rows(comparison)
    assert [float(row["p_local"]) for row in rows] == [row.finding.p for row in comparison.rows]
    assert [path.name for path in (tmp_path / "out/comparison_plots").iterdir()] == ["searches.png"]
    limits = limits_table(comparison)
    assert limits.rows[0][2] == comparison.rows[0].method.windows[0].cuts[-1].limits["observed"]


def test_the_page_puts_medians_first_where_there_are_seeds(sweep):
    searches = find_searches([sweep])[0]
    report = comparison_report(compare_searches(searches), [], Path("plots"))
    assert report.summary[0].header[0] == "Searches"
    assert report.subtitle.startswith("The smallest local p-value is")
    alone = comparison_report(compare_searches([searches[0], searches[3]]), [], Path("plots"))
    assert alone.summary[0].header[0] == "Search"
