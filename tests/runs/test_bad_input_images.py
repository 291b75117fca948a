"""Wrong images, losses and events: one clear line, exit code 2, and nothing left half written."""

import numpy as np
import pytest

from tests.conftest import write_image_file, write_jet_file


@pytest.fixture
def refused(run_train, tmp_path):
    """Return a caller that checks the contract for wrong input and returns the one line."""

    def call(*words: str, images=None, **settings) -> str:
        path = write_image_file(tmp_path / "background.h5", n_events=100, images=images, **settings)
        chosen = ["data.bundled=false", "data.background=background", f"data.samples.background={path}"]
        done = run_train(*chosen, "logger=none", "trainer.max_epochs=1", *words)
        assert done.code == 2, done.err
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1, done.err
        assert not (tmp_path / "outputs").exists()
        return done.err

    return call


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).exponential(size=shape)


def test_an_image_smaller_than_the_ssim_window(refused):
    line = refused("model=cicada_ae", "loss=ssim", images=noise(60, 6, 5))
    assert "6 × 5 are smaller than the window of 7; model.loss.window=5 fits" in line


def test_an_image_smaller_than_the_network(refused):
    assert "at least 13 × 13 pixels" in refused("model=conv_ae", images=noise(60, 12, 12))


@pytest.mark.parametrize("value", [0, 5])
def test_constant_images(refused, value):
    line = refused("model=conv_ae", "loss=ssim", images=np.full((60, 18, 14), value))
    assert "every image of background is constant" in line


def test_constant_images_of_jets(refused):
    line = refused("model=conv_ae", "data=jet_images", images=np.full((60, 40, 40), 0.1), dataset="jet_images")
    assert "every image of background is constant" in line


def test_a_training_part_without_a_data_range(refused):
    # One image of 60 is not constant, and it is a test image (docs: the split is that of scikit-learn).
    images = np.zeros((60, 18, 14))
    images[0] = noise(18, 14)
    assert "data range is 0" in refused("model=conv_ae", "loss=ssim", images=images)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=conv_ae", "loss=ssim", "model.loss.data_range=0"], "data_range=0"),
        (["model=conv_ae", "loss=ssim", "model.loss.window=9"], "allowed: 3, 5, 7"),
        (["model=conv_ae", "loss=ncc", "model.loss.floor=0"], "floor=0"),
        (["model=conv_ae", "loss=weighted", "model.loss.terms.a.weight=-1"], "terms.a.weight=-1"),
        (["model=conv_ae", "loss=weighted", "loss@model.loss.terms.b.loss=sim"], "mse"),
        (["model=conv_ae", "data.dataset=images"], "allowed: calo_regions, CaloRegions"),
        (
            ["model=conv_ae", "data=jets"],
            "not the vectors of data=jets; choose data=calo or data=jet_images or data=showers or another model",
        ),
        (["model=dense_ae", "loss=ssim"], "SSIM is defined for images, not for the vectors of data=jets"),
        (["model=td_ae", "loss=weighted"], "SSIM is defined for images, not for the sets of data=events"),
        (["model=td_ae", "loss=weighted"], "of data=events; loss@model.loss.terms.b.loss=huber"),
        (["model=dense_ae", "loss=ssim"], "of data=jets; loss=huber"),
        (["model=td_ae", "loss=ncc"], "NCC is defined for images or volumes, not for the sets of data=events"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_word_is_named_with_what_would_be_right(refused, words, said):
    assert said in refused(*words)


def test_a_file_without_images(refused, tmp_path):
    jets = write_jet_file(tmp_path / "jets.h5")
    assert "no data set 'calo_regions'" in refused("model=conv_ae", f"data.samples.signal={jets}")


def test_events_with_no_jets_at_all(run_train, tmp_path):
    background = write_jet_file(tmp_path / "background.h5", mean_jets=0.0)
    words = ["data.bundled=false", "data.background=background", f"data.samples.background={background}"]
    done = run_train("model=td_ae", *words, "logger=none")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "no jets at all" in done.err
