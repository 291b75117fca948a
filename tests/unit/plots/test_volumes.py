"""Pictures of volumes: sums along each axis on common colours, differences on their own."""

import numpy as np
import pytest

from hepad.core.schema import ImageLabels
from hepad.plots.volumes import plot_mean_volumes, plot_top_volumes, plot_volumes, projections

VOLUMES = np.random.default_rng(0).exponential(size=(5, 9, 8, 7))


def meshes(part) -> list[np.ndarray]:
    """What the panels of a part show, row by row, as images."""
    found = []
    for axes in part.axes:
        for mesh in axes.collections:
            if hasattr(mesh, "get_coordinates"):
                shape = np.array(mesh.get_coordinates().shape[:2]) - 1
                if axes.get_label() != "<colorbar>":
                    found.append(np.asarray(mesh.get_array()).reshape(shape))
    return found


def test_projections_keep_the_sum() -> None:
    views = projections(VOLUMES[0])
    assert [view.shape for view in views] == [(8, 7), (9, 7), (8, 9)]
    assert [view.sum() for view in views] == pytest.approx([VOLUMES[0].sum()] * 3)
    assert views[2][3, 4] == pytest.approx(VOLUMES[0][4, 3].sum())


def test_input_reconstruction_and_difference_of_the_chosen_volumes() -> None:
    scores = VOLUMES.sum(axis=(1, 2, 3))
    figure = plot_volumes(VOLUMES, 0.5 * VOLUMES, scores, labels=ImageLabels("E [MeV]", "x", "y"))
    assert len(figure.subfigs) == 3
    low = VOLUMES[scores.argmin()]
    shown = meshes(figure.subfigs[0])
    wanted = [view for volume in (low, 0.5 * low, -0.5 * low) for view in projections(volume)]
    assert len(shown) == 9
    for view, of in zip(shown, wanted, strict=True):
        np.testing.assert_allclose(view, of)
    with pytest.raises(ValueError, match="no volumes"):
        plot_volumes(VOLUMES[0], VOLUMES[0], scores)


@pytest.mark.parametrize("made", [None, 0.9 * VOLUMES])
def test_top_volumes_show_contributions_where_nothing_is_reconstructed(made) -> None:
    figure = plot_top_volumes(VOLUMES, made, 0.1 * VOLUMES, VOLUMES[::-1], [f"{i}." for i in range(5)])
    shown = meshes(figure.subfigs[1])
    assert len(shown) == (9 if made is None else 12)
    change = 0.1 * VOLUMES[1] if made is None else VOLUMES[1] - made[1]
    np.testing.assert_allclose(shown[3 if made is None else 6], projections(change)[0])
    np.testing.assert_allclose(shown[-1], projections(VOLUMES[3])[2])


def test_means_of_samples_lie_below_each_other() -> None:
    figure = plot_mean_volumes({"a": VOLUMES[0], "b": VOLUMES[1]}, label="Mean loss")
    (part,) = figure.subfigs
    assert [axes.get_ylabel() for axes in part.axes[:6:3]] == ["a\nRow", "b\nRow"]
    assert len(meshes(part)) == 6
