"""The answer of a search in sentences: what is called an excess, what the null twin says, what failed."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm
from tests.fake_searches import fake_search

from hepad.searches.answer import answer, brief_global, show_global, show_p, warnings
from hepad.searches.findings import best_finding, failures, p_values, smallest_p, z_of_p
from hepad.searches.metrics import search_metrics
from hepad.searches.record import CutResult, MethodResult, SearchRecord, Spectrum, Window, WindowResult
from hepad.searches.tables import cuts_table, methods_table
from hepad.searches.trust_tables import failure_table, null_table, sculpting_table

WINDOWS = (Window("w0", 3000, 3400, ()), Window("w1", 3400, 3800, ()))


def search(*methods: MethodResult, **facts: object) -> SearchRecord:
    return SearchRecord("m_jj", "GeV", ("tau21",), WINDOWS, methods, **facts)


def method(name: str, p: list[list[float | None]], p_global: float | None = None, **facts: object) -> MethodResult:
    """A method with local p-values by window and cut; None for one that failed."""
    windows = [
        WindowResult(
            window.name,
            tuple(
                CutResult(10.0**-i, 20, failure="too few entries.")
                if value is None
                else CutResult(
                    10.0**-i, 20, 9.0, 1.0, float(norm.isf(value)), value, limits={"observed": 7.0 + i, "median": 9.0}
                )
                for i, value in enumerate(values)
            ),
        )
        for window, values in zip(WINDOWS, p, strict=True)
    ]
    return MethodResult(name, tuple(windows), p_global, 500, **facts)


def test_the_smallest_p_value_is_that_of_all_windows_and_cuts():
    record = search(method("cwola", [[0.2, None], [0.03, 1e-5]]), method("cathode", [[1e-3, 0.5], [0.9, 0.9]]))
    finding = best_finding(record)
    assert (finding.method, finding.window.name, finding.cut.efficiency) == ("cwola", "w1", 0.1)
    assert smallest_p(record, record.methods[1]).p == 1e-3
    assert smallest_p(record, None) is None


def test_a_benchmark_gives_the_answer_only_where_there_is_no_other():
    known, other = method("supervised", [[1e-9], [0.5]]), method("cwola", [[0.3], [0.4]])
    assert best_finding(search(known, other)).method == "cwola"
    assert best_finding(search(known)).method == "supervised"
    assert any("supervised" in warning for warning in warnings(search(known, other)))


@pytest.mark.parametrize(
    ("p", "p_global", "word"),
    [(1e-4, 0.2, "No excess"), (1e-4, 0.04, "An excess"), (1e-4, None, "An excess"), (0.01, None, "No excess")],
)
def test_an_excess_is_called_by_its_global_p_value(p, p_global, word):
    sentences = answer(search(method("cwola", [[p], [0.5]], p_global)))
    assert sentences[0].startswith(word)
    assert ("Upper limit" in " ".join(sentences)) == (word == "No excess")
    assert ("500 toys" in sentences[0]) == (p_global is not None)


def test_the_answer_says_what_the_null_twin_says():
    null = method("cwola", [[0.11], [0.2]], 0.63)
    with_null = answer(search(method("cwola", [[1e-4], [0.5]], 0.01, null=null), null_kind="shuffled"))
    assert "a shuffled observable" in with_null[1]
    assert "0.11 (1.2σ)" in with_null[1]
    assert "0.63" in with_null[1]
    assert "no null twin" in answer(search(method("cwola", [[1e-4], [0.5]])))[1]


def test_a_null_twin_with_an_excess_is_a_warning():
    loud, calm = method("cwola", [[1e-4], [0.2]], 0.01), method("cwola", [[0.1], [0.2]], 0.4)
    assert any("Do not trust" in w for w in warnings(search(replace(calm, null=loud))))
    assert not any("Do not trust" in w for w in warnings(search(replace(loud, null=calm))))


def test_what_failed_is_named_and_has_no_number():
    broken = MethodResult("anode", (), failure="its density diverged")
    record = search(method("cwola", [[0.2, None], [None, None]]), broken)
    assert [place[:3] for place in failures(record)] == [
        ("cwola", "w0", "top 10%"),
        ("cwola", "w1", "no cut"),
        ("cwola", "w1", "top 10%"),
        ("anode", "", ""),
    ]
    rows = cuts_table(record, record.methods[0]).rows
    assert [row[-1] for row in rows] == [None, *["no p-value"] * 3]
    assert [row[3] for row in rows] == [20] * 4
    assert all(cell is None for row in rows[1:] for cell in row[4:-1])
    assert methods_table(record).rows[1][:2] == ["anode", "no result"]
    told = warnings(record)
    assert any(line == "anode has no result: its density diverged." for line in told)
    assert any(line.startswith("3 cuts without a p-value") for line in told)
    assert len(failure_table(record).rows) == 4
    assert not any("anode" in name for name in search_metrics(record))


@pytest.mark.parametrize(
    ("counts", "ndf", "weak"), [((40, 30, 20), 1, False), ((6, 30, 3), 1, True), ((40, 30, 20), 0, True)]
)
def test_a_fit_that_cannot_be_tested_is_named(counts, ndf, weak):
    spectrum = Spectrum((2600, 3000, 3400, 3800), counts, (38, 29, 19), (1, 1, 1), "dijet", ndf=ndf)
    cut = CutResult(0.01, 30, 1e-24, 1e-22, 34.5, 1e-262, spectrum=spectrum)
    record = search(MethodResult("cwola", (WindowResult("w0", (cut,)),)))
    assert any("not to be believed: cwola, w0, top 1%" in line for line in warnings(record)) == weak
    assert (cuts_table(record, record.methods[0]).rows[0][-1] == "weak fit") == weak


def test_a_weak_fit_gives_no_answer_where_another_does():
    weak = Spectrum((2600, 3000, 3400, 3800), (0, 12, 3), (0, 1e-24, 3), (0, 1e-22, 1), "dijet", ndf=-2)
    cuts = (CutResult(1.0, 30, 20.0, 3.0, 2.0, 0.02), CutResult(0.01, 12, 1e-24, 1e-22, 34.5, 1e-262, spectrum=weak))
    record = search(MethodResult("cwola", (WindowResult("w0", cuts),), 0.005, 200))
    assert best_finding(record).cut is cuts[0]
    assert "counts a fit that cannot be tested" in answer(record)[0]
    assert answer(record)[0].startswith("No excess")
    assert np.isnan(p_values(record.methods[0], 0.01, WINDOWS)).all()
    assert p_values(record.methods[0], 1.0, WINDOWS)[0] == 0.02
    assert "search/p_global/cwola" not in search_metrics(record)
    # A twin's alike, wherever it is told.
    twin = record.methods[0]
    searched = search(replace(method("cwola", [[0.02], [0.5]]), null=twin))
    assert "a global one" not in " ".join(answer(searched))
    assert not any("The null twin of cwola" in line for line in warnings(searched))
    assert null_table(searched).rows[0][4] is None
    # Alone it is still told, with its warning.
    assert best_finding(search(MethodResult("cwola", (WindowResult("w0", cuts[1:]),)))).cut is cuts[1]


def test_sculpting_is_the_largest_of_the_windows():
    record = fake_search(2, n_windows=3, methods=("cathode",))
    table = sculpting_table(record)
    assert table.header == ["Method", "top 10%", "top 1%", "top 0.1%"]
    known = [window.cuts[2].sculpting for window in record.methods[0].windows if window.cuts[2].sculpting is not None]
    assert table.rows[0][2] == max(known)
    assert sculpting_table(search(method("cwola", [[0.1], [0.2]]))) is None


def test_nothing_at_all_is_no_result():
    record = search(method("cwola", [[None], [None]]))
    assert answer(record) == ["No result: no cut of any method has a p-value."]
    assert search_metrics(record) == {}
    assert null_table(record) is None


@pytest.mark.parametrize(
    ("p", "toys", "words", "brief"),
    [
        (1 / 201, 200, "at most 0.005 (none of 200 toys is as extreme)", "≤ 0.005"),
        (2 / 201, 200, "0.01 (200 toys)", "= 0.01"),
        (0.005, 0, "0.005", "= 0.005"),
        (None, 200, "", ""),
    ],
)
def test_a_global_p_value_of_no_toy_is_at_most(p, toys, words, brief):
    found = MethodResult("cwola", (), p, toys)
    assert (show_global(found), brief_global(found)) == (words, brief)


def test_metrics_have_flat_names_and_their_numbers():
    record = fake_search(3)
    metrics = search_metrics(record)
    for found in record.methods:
        for window in found.windows:
            for cut in window.cuts:
                name = f"{found.method}/{window.window}/{cut.efficiency:g}"
                assert metrics.get(f"search/p_local/{name}") == cut.p
                assert metrics.get(f"search/z/{name}") == cut.z
        assert metrics[f"search/p_global/{found.method}"] == found.p_global
        assert metrics[f"search/null/p_global/{found.method}"] == found.null.p_global
        tops = [window.performance.max_sic for window in found.windows if window.performance is not None]
        assert metrics[f"search/max_sic/{found.method}"] == max(tops)
    assert all(np.isfinite(value) for value in metrics.values())


def test_names_of_metrics_have_as_many_parts_whatever_a_method_is_called():
    metrics = search_metrics(search(method("../a/b", [[0.1], [0.2]])))
    assert {name.count("/") for name in metrics if "p_local" in name} == {4}


def test_documented_names_are_those_of_the_metrics():
    page = (Path(__file__).parents[3] / "docs/search_report.md").read_text()
    documented = set(re.findall(r"`(search(?:/null)?/[a-z_]+)/[^`]*`", page))
    metrics = search_metrics(fake_search(3))
    written = {re.match(r"search(?:/null)?/[a-z_]+", name)[0] for name in metrics}
    assert written - {"search/null/z", "search/null/limit", "search/null/closure_auc"} == documented - {"search/found"}
    assert "search/p_local/cathode/w1/0.01" in metrics


@pytest.mark.parametrize(
    ("p", "words"), [(1.0, "1"), (0.0312, "0.031"), (9.96e-4, "1.0 × 10⁻³"), (3.14e-12, "3.1 × 10⁻¹²")]
)
def test_p_values_in_words_have_two_digits(p, words):
    assert show_p(p) == words


def test_the_significance_of_zero_is_finite():
    assert z_of_p(float(norm.sf(5))) == pytest.approx(5)
    assert 37 < z_of_p(0.0) < 39
