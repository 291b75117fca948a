"""What particular figures promise, and what they do with difficult input."""

import numpy as np
import pytest

from hepad import plots
from hepad.core.schema import ImageLabels
from hepad.metrics import RocCurve, ScoredSample, roc_curve
from hepad.plots.labels import edges, feature_edges, is_heavy_tailed


def legend_texts(axes):
    legend = axes.get_legend() or axes.figure.legends[0]
    return [text.get_text() for text in legend.get_texts()]


def draw(figure):
    return plots.figure_bytes(figure)


def test_the_legend_of_a_roc_gives_auc_and_interval():
    roc = roc_curve([1.0, 2, 3, 4], [2.5, 3.5, 5, 6])
    figure = plots.plot_roc({"ttbar": roc}, reference="jet_ht", intervals={"ttbar": (0.7, 0.9)})
    assert any("AUC 0.812 [0.700, 0.900]" in text for text in legend_texts(figure.axes[0]))
    assert figure.axes[0].get_xlabel() == "False positive rate (JetHT)"


def test_a_roc_of_many_points_is_thinned_but_keeps_its_shape():
    rng = np.random.default_rng(0)
    roc = roc_curve(rng.normal(size=200_000), rng.normal(1, 1, 100_000))
    for log in (False, True):
        line = plots.plot_roc({"s": roc}, reference="b", log=log).axes[0].get_lines()[0]
        x, y = line.get_xdata(), line.get_ydata()
        assert x.size < 3000
        assert (x[-1], y[-1]) == (1, 1)
        grid = np.geomspace(1e-4, 1, 50)
        assert np.interp(grid, x, y) == pytest.approx(np.interp(grid, roc.fpr, roc.tpr), abs=5e-3)


def test_the_logarithmic_roc_marks_where_background_runs_out():
    roc = roc_curve(np.arange(1000.0), np.arange(500.0) + 700)
    axes = plots.plot_roc({"s": roc}, reference="b", log=True).axes[0]
    assert "< 10 background entries" in legend_texts(axes)
    shaded = axes.collections[0].get_paths()[0].vertices[:, 0]
    assert (shaded.min(), shaded.max()) == pytest.approx((1e-3, 1e-2))


def test_a_sample_has_one_colour_in_every_figure():
    styles = plots.sample_styles(["zero_bias", "mine", "ttbar", "yours"])
    assert styles["ttbar"] == plots.sample_styles(["ttbar"])["ttbar"]
    assert len({style.color for style in styles.values()}) == 4
    assert len({(s.color, s.linestyle) for s in plots.sample_styles([f"s{i}" for i in range(15)]).values()}) == 15


@pytest.mark.parametrize("name", ["$x$", "a$b", "_hidden", "<b>&", "{%", "x" * 64, "τ→μ"])
def test_names_from_files_are_shown_as_they_are(name):
    roc = roc_curve([1.0, 2, 3, 4], [2.5, 3.5, 5, 6])
    figure = plots.plot_roc({name: roc}, reference=name)
    draw(figure)
    assert any(name.replace("$", r"\$") in text for text in legend_texts(figure.axes[0]))


@pytest.mark.parametrize(
    "scores",
    [
        np.zeros(50),
        np.full(50, 3.0),
        np.array([1.0]),
        np.array([0.0, 1e-300, 1e300]),
        np.r_[np.zeros(20), np.geomspace(1e-3, 1e3, 500)],
        -np.geomspace(1e-3, 1e3, 500),
        np.random.default_rng(0).standard_cauchy(500),
    ],
    ids=["zero", "constant", "single", "extreme", "some zero", "negative", "both tails"],
)
def test_difficult_scores_can_be_drawn(scores):
    sample = ScoredSample("zero_bias", scores, {"pt": np.linspace(15, 500, scores.size)})
    other = ScoredSample("ttbar", scores[::-1] + 1.0)
    draw(plots.plot_score_distributions({"zero_bias": sample, "ttbar": other}, background="zero_bias"))
    draw(plots.plot_score_vs_feature(sample, "pt"))


def test_no_score_is_left_out_of_the_distributions():
    sample = ScoredSample("s", np.r_[np.random.default_rng(0).normal(size=10_000), 1e6, -1e6])
    figure = plots.plot_score_distributions({"s": sample}, background="s")
    shares = figure.axes[0].patches[0].get_data().values
    assert shares.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "values",
    [np.zeros(30), np.full(30, 0.5), np.arange(30) % 3, np.r_[np.zeros(29), 1e9], np.r_[np.full(29, np.nan), 1.0]],
    ids=["zero", "constant", "counts", "outlier", "mostly nan"],
)
def test_difficult_features_can_be_drawn(values):
    draw(plots.plot_score_vs_feature(ScoredSample("s", np.arange(30.0), {"f": values}), "f"))


def test_the_profile_is_the_mean_and_its_error():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 3, 900).astype(float)
    y = 10 + x + rng.normal(size=900)
    axes = plots.plot_score_vs_feature(ScoredSample("s", y, {"nMuons": x}), "nMuons").axes[0]
    container = axes.containers[0]
    line, _, (bars,) = container.lines
    assert line.get_xdata() == pytest.approx([0, 1, 2])
    assert line.get_ydata() == pytest.approx([y[x == k].mean() for k in range(3)])
    lengths = [segment[1, 1] - segment[0, 1] for segment in bars.get_segments()]
    assert lengths == pytest.approx([2 * y[x == k].std(ddof=1) / np.sqrt((x == k).sum()) for k in range(3)])


def test_the_best_epoch_is_the_lowest_validation_loss():
    history = {"epoch": [3, 4, 5, 6], "train/loss": [4.0, 3, 2, 1], "val/loss": [np.nan, 3.0, 2.5, 2.8]}
    axes = plots.plot_learning_curves(history).axes[0]
    assert "Best: epoch 5, 2.5" in legend_texts(axes)


def test_reconstructions_show_lowest_median_and_highest_score():
    images = np.arange(5)[:, None, None] * np.ones((5, 4, 4))
    scores = np.array([3.0, 1.0, 5.0, 2.0, 4.0])
    figure = plots.plot_reconstructions(images, images, scores)
    shown = [axes.collections[0].get_array().mean() for axes in figure.axes[:9:3]]
    assert shown == [1, 0, 2]
    assert "Highest score: 5" in figure.axes[6].get_ylabel()


def test_images_say_what_their_pixels_and_axes_are():
    labels, images = (
        ImageLabels("Share", horizontal="across", vertical="along"),
        np.random.default_rng(0).random((3, 6, 6)),
    )
    figure = plots.plot_reconstructions(images, images, np.arange(3), labels=labels)
    assert [axes.get_xlabel() for axes in figure.axes[6:9]] == ["across"] * 3
    assert "along" in figure.axes[0].get_ylabel()
    assert {axes.get_ylabel() for axes in figure.axes[9:]} == {"Share"}
    axes = plots.plot_loss_per_pixel({"ttbar": images[0]}, labels=labels).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("across", "along")


def test_features_are_shown_on_the_scale_of_the_population():
    population = np.random.default_rng(0).normal([10, 200], [2, 50], (1000, 2))
    x = np.array([[10.0, 200.0], [14.0, 200.0], [10.0, 300.0]])
    figure = plots.plot_reconstructions(x, x, np.arange(3), feature_names=["a", "b"], population=population)
    shown = [axes.get_lines()[0].get_ydata() for axes in figure.axes]
    assert np.array(shown) == pytest.approx(np.array([[0, 0], [2, 0], [0, 2]]), abs=0.2)


def test_input_and_reconstruction_share_their_colours():
    rng = np.random.default_rng(0)
    figure = plots.plot_reconstructions(rng.random((3, 6, 6)), 3 * rng.random((3, 6, 6)), np.arange(3))
    left, middle, right = (axes.collections[0] for axes in figure.axes[:3])
    assert left.norm is middle.norm
    assert right.norm.vmin == -right.norm.vmax


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_entries_can_be_shown(n):
    draw(plots.plot_reconstructions(np.ones((n, 4, 4)), np.ones((n, 4, 4)), np.arange(n)))


def test_bad_input_is_refused_in_words():
    with pytest.raises(ValueError, match="no ROC curves"):
        plots.plot_roc({}, reference="b")
    few = RocCurve(np.array([0.0, 1]), np.array([0.0, 1]), np.array([np.inf, 0]), 5, 5)
    with pytest.raises(ValueError, match="10 background entries"):
        plots.plot_sic({"s": few}, reference="b")
    with pytest.raises(ValueError, match="no finite train/loss"):
        plots.plot_learning_curves({"train/loss": [np.nan]})
    with pytest.raises(ValueError, match="no feature 'pt'"):
        plots.plot_score_vs_feature(ScoredSample("s", np.ones(3)), "pt")
    with pytest.raises(ValueError, match="2 feature names"):
        plots.plot_reconstructions(np.ones((3, 4)), np.ones((3, 4)), np.ones(3), feature_names=["a", "b"])
    with pytest.raises(ValueError, match="losses of shape"):
        plots.plot_loss_per_feature({"s": [1.0, 2.0]}, ["a"])


def test_figures_are_written_whole_in_every_format(tmp_path):
    figure = plots.plot_correlation_bars({"pt": 0.5}, {"pt": 0.4})
    paths = plots.save_figure(figure, tmp_path / "bars.v1", formats=("png", "pdf", "svg"))
    assert [path.name for path in paths] == ["bars.v1.png", "bars.v1.pdf", "bars.v1.svg"]
    assert [path.read_bytes()[:4] for path in paths] == [b"\x89PNG", b"%PDF", b"<?xm"]


def test_standard_figures_are_those_of_the_report(samples, evaluation, history):
    figures = list(plots.standard_figures(evaluation, samples, history))
    names = [figure.name for figure in figures]
    assert len(set(names)) == len(names)
    for name in ("learning_curves", "score_distributions", "roc_vs_zero_bias_log", "sic_vs_ttbar", "score_vs_pt"):
        assert name in names
    assert all(figure.caption.endswith(".") and "$" not in figure.caption for figure in figures)
    assert all("hepad" in figure.figure.axes[0].get_title(loc="left") for figure in figures)


def test_edges_rise_and_hold_all_but_the_tails():
    values = np.random.default_rng(0).lognormal(0, 3, 10_000)
    assert is_heavy_tailed(values)
    bins = edges(values, 40, log=True)
    assert bins.size == 41
    assert (np.diff(bins) > 0).all()
    assert np.mean((values >= bins[0]) & (values <= bins[-1])) == pytest.approx(0.998, abs=1e-3)
    whole, log = feature_edges(np.array([0.0, 1, 1, 2, 7]), 50)
    assert not log
    assert whole[:2] == pytest.approx([-0.5, 0.5])


def test_planes_show_objects_as_discs_of_their_share_and_no_empty_slot():
    rng = np.random.default_rng(0)
    places, shares = rng.normal(0, 0.1, (5, 6, 2)), np.full((5, 6), 0.25)
    shares[:, 4:] = 0
    places[:, 4:] = 100
    figure = plots.plot_planes((places, shares), (2 * places, shares), np.arange(5), ["delta_eta", "delta_phi"])
    rows = np.reshape(figure.axes, (3, 2))
    for row, entry, title in zip(rows, (0, 2, 4), ("Lowest", "Median", "Highest"), strict=True):
        for axes, factor in zip(row, (1, 2), strict=True):
            (discs,) = axes.collections
            np.testing.assert_allclose(discs.get_offsets(), factor * places[entry, :4])
            assert len(set(discs.get_sizes())) == 1
            assert axes.get_xlim()[1] < 2
        assert row[0].get_ylabel().startswith(f"{title} score: {entry}")


@pytest.mark.parametrize(
    ("shares", "scores"), [(np.ones((5, 3)), np.arange(5)), (np.ones((5, 6)), np.arange(4))], ids=["shares", "scores"]
)
def test_planes_of_other_shapes_are_refused(shares, scores):
    places = np.zeros((5, 6, 2))
    with pytest.raises(ValueError, match=r"places|scores"):
        plots.plot_planes((places, shares), (places, shares), scores, ["a", "b"])


def contrast_on_white(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return float(1.05 / (np.dot([0.2126, 0.7152, 0.0722], linear) + 0.05))


def test_a_user_s_samples_are_seen_as_well_as_the_shipped_ones():
    styles = plots.sample_styles(["my_data", "a", "b", "c", "d", "e"], "my_data")
    shipped = plots.sample_styles(["zero_bias", "soft_qcd", "jet_ht", "ttbar", "radion", "wprime"])
    assert styles["my_data"].color == shipped["zero_bias"].color
    assert min(contrast_on_white(style.color) for style in styles.values()) >= min(
        contrast_on_white(style.color) for style in shipped.values()
    )
    assert not {style.color for name, style in styles.items() if name != "my_data"} & {
        s.color for s in shipped.values()
    }


def test_scores_of_zero_have_a_bin_of_their_own():
    rng = np.random.default_rng(0)
    score = np.r_[np.zeros(300), rng.lognormal(2, 1.5, 700)]
    figure = plots.plot_score_distributions({"s": ScoredSample("s", score)}, background="s")
    axes = figure.axes[0]
    (rest, alone) = (patch.get_data() for patch in axes.patches if patch.get_fill())
    assert alone.values.tolist() == [0.3]
    assert alone.edges[-1] < rest.edges[0]
    assert rest.values.sum() == pytest.approx(0.7)
    assert axes.get_xscale() == "log"
    draw(figure)
    assert axes.get_xticklabels()[0].get_text() == "0"


def test_slots_without_an_object_are_not_drawn():
    rng = np.random.default_rng(0)
    x, mask = rng.normal(size=(3, 4, 2)), np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]], dtype=bool)
    figure = plots.plot_reconstructions(x, x + 1, np.arange(3), feature_names=["a", "b"], mask=mask)
    meshes = [np.ma.asarray(axes.collections[0].get_array()) for axes in figure.axes[:3]]
    for mesh in meshes:
        # Two slots are used at all; the second one is empty in the first entry.
        assert mesh.reshape(2, 2).mask.tolist() == [[False, False], [True, True]]
    draw(figure)
