import numpy as np
import pytest

from hepad.simulation.taggers import EFFICIENCIES, WORKING_POINTS, TaggerScores, draw_scores

N = 40_000
# Where the shift with pT vanishes: the spectrum of top pairs lies around.
REFERENCE_PT = {0: 100 * np.exp(-0.5), 4: 100 * np.exp(-np.sqrt(7 / 12)), 5: 100 * np.exp(-np.sqrt(7 / 12))}


def draw(flavour: int, pt: float | None = None, eta: float = 0.5, n_tracks: int = 9, parton: int = 1) -> TaggerScores:
    jets = (np.full(N, x) for x in (flavour, parton, pt or REFERENCE_PT[flavour], eta, n_tracks))
    return draw_scores(*jets, np.random.default_rng(flavour))


@pytest.mark.parametrize("flavour", [0, 4, 5])
@pytest.mark.parametrize(("family", "name"), [("DeepCSV", "deep_b"), ("DeepJet", "flav_b")])
def test_working_points_are_reproduced(flavour: int, family: str, name: str) -> None:
    score = getattr(draw(flavour), name)
    for cut, wanted in zip(WORKING_POINTS[family], EFFICIENCIES[flavour], strict=True):
        error = np.sqrt(wanted * (1 - wanted) / N)
        assert (score > cut).mean() == pytest.approx(wanted, abs=5 * error)


def test_scores_are_probabilities_that_fit_together() -> None:
    for flavour in (0, 4, 5):
        found = draw(flavour)
        for p_b, cvb, cvl in (
            (found.deep_b, found.deep_cvb, found.deep_cvl),
            (found.flav_b, found.flav_cvb, found.flav_cvl),
        ):
            for score in (p_b, cvb, cvl):
                assert ((score >= 0) & (score <= 1)).all()
            p_c = (1 - p_b) * cvl
            np.testing.assert_allclose(cvb, p_c / (p_c + p_b))


def test_the_two_families_are_correlated_but_not_the_same() -> None:
    found = draw(5)
    correlation = np.corrcoef(found.deep_b, found.flav_b)[0, 1]
    assert 0.6 < correlation < 0.98


def test_charm_is_told_from_light_and_from_b() -> None:
    light, charm, bottom = (draw(flavour) for flavour in (0, 4, 5))
    assert np.median(charm.flav_cvl) > np.median(light.flav_cvl)
    assert np.median(charm.flav_cvb) > np.median(bottom.flav_cvb)


def test_gluons_score_above_quarks() -> None:
    assert np.median(draw(0, parton=21).flav_qg) > np.median(draw(0, parton=2).flav_qg)


def test_mistags_rise_and_b_efficiency_falls_at_high_pt() -> None:
    assert (draw(0, pt=1000).deep_b > 0.2217).mean() > (draw(0, pt=50).deep_b > 0.2217).mean()
    assert (draw(5, pt=1000).deep_b > 0.6321).mean() < (draw(5, pt=100).deep_b > 0.6321).mean()


def test_scores_beyond_the_tracker_are_minus_one() -> None:
    found = draw(5, eta=-2.7)
    for name in TaggerScores.__dataclass_fields__:
        assert (getattr(found, name) == -1).all()


def test_without_tracks_only_deepcsv_is_undefined() -> None:
    found = draw(0, n_tracks=0)
    assert (found.deep_b == -1).all()
    assert (found.deep_cvl == -1).all()
    assert (found.flav_b >= 0).all()
    assert (found.flav_qg >= 0).all()
