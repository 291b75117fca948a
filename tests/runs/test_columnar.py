"""`hepad.columnar.score_jets`: real NanoAOD at once, virtually and lazily gets the scores of the converted file."""

from pathlib import Path

import awkward as ak
import dask_awkward as dak
import h5py
import numpy as np
import pytest
import uproot

import hepad
from hepad import convert, score, train
from hepad.columnar import score_jets
from hepad.core.errors import UserError
from tests.runs.conftest import call

# Of coffea, for a version of NanoAOD as old as this one.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Branch Photon_:RuntimeWarning", "ignore:Missing cross-reference index:RuntimeWarning"
)

TTBAR = Path(__file__).parents[1] / "data" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
DIMUON = Path(__file__).parents[1] / "data" / "nano_dimuon.root"


def short_run(directory: Path, name: str, *words: str) -> Path:
    samples = ["data.bundled=false", "data.background=ttbar", "data.samples.ttbar=ttbar.h5"]
    quick = ["trainer.max_epochs=1", "evaluation.plots=false", "logger=none", f"hydra.run.dir={name}"]
    done = call(train.main, directory, *samples, *quick, *words)
    assert done.code == 0, done.err
    done = call(score.main, directory, f"run={name}", "input=ttbar.h5", f"output={name}.h5")
    assert done.code == 0, done.err
    return directory / name


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """A run of events, and one of jets with three features, trained on the converted file, and its scores."""
    directory = tmp_path_factory.mktemp("columnar")
    assert call(convert.main, directory, f"input={TTBAR}", "output=ttbar.h5").code == 0
    return {
        "events": short_run(directory, "events", "model=td_ae"),
        "jets": short_run(directory, "jets", "data.features=[mass,pt,eta]"),
    }


def kept(run: Path) -> np.ndarray:
    with h5py.File(run.with_suffix(".h5")) as file:
        return file["score"][:]


def hardest(jets: ak.Array, scores: ak.Array) -> np.ndarray:
    """The scores of the jets that the converted file holds, the eight hardest of each event."""
    order = ak.argsort(jets.pt, axis=1, ascending=False, stable=True)
    return np.asarray(ak.flatten(scores[order][:, :8]))


@pytest.mark.parametrize(
    "mode", ["dask", *(pytest.param(mode, marks=pytest.mark.thorough) for mode in ("eager", "virtual"))]
)
def test_nanoevents_get_the_scores_of_the_converted_file(runs, mode):
    # Most of a second of every process, if it stood at the top.
    from coffea.nanoevents import NanoAODSchema, NanoEventsFactory

    jets = NanoEventsFactory.from_root({TTBAR: "Events"}, schemaclass=NanoAODSchema, mode=mode).events().Jet
    of_events, of_jets = score_jets(hepad.load_run(runs["events"]), jets), score_jets(str(runs["jets"]), jets)
    if mode == "dask":
        # Nothing else of the file is read.
        assert set().union(*dak.necessary_columns(of_jets).values()) == {"nJet", "Jet_mass", "Jet_pt", "Jet_eta"}
        assert (of_events.ndim, of_jets.ndim) == (1, 2)
        jets, of_events, of_jets = jets.compute(), of_events.compute(), of_jets.compute()
    assert str(of_events.type) == "200 * float32"
    assert str(of_jets.type) == "200 * var * float32"
    np.testing.assert_array_equal(of_events, kept(runs["events"]))
    assert ak.all(ak.num(of_jets) == ak.num(jets))
    np.testing.assert_array_equal(hardest(jets, of_jets), kept(runs["jets"]))


def plain_jets(path: Path = TTBAR) -> ak.Array:
    tree = uproot.open(path)["Events"]
    names = [name for name in tree.keys(recursive=False) if name.startswith("Jet_")]
    columns = tree.arrays(names)
    return ak.zip({name.removeprefix("Jet_"): columns[name] for name in names})


def test_order_of_jets_partitions_and_events_without_any_change_nothing(runs):
    jets = plain_jets()
    expected = kept(runs["events"])
    np.testing.assert_array_equal(score_jets(runs["events"], jets[:, ::-1]), expected)
    lazily = score_jets(runs["events"], dak.from_awkward(jets, npartitions=3))
    np.testing.assert_allclose(lazily.compute(), expected, rtol=1e-5)
    none_in_every_other = ak.concatenate([jets[:3], jets[:3][:, :0]])
    found = score_jets(runs["events"], none_in_every_other)
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-5)
    assert len(set(found[3:].tolist())) == 1
    assert score_jets(runs["jets"], none_in_every_other)[3:].tolist() == [[], [], []]
    assert score_jets(runs["jets"], jets[:0]).tolist() == []


def test_features_by_other_names_are_given_or_the_nearest_is_named(runs):
    jets = plain_jets()
    other = ak.zip({"PT": jets.pt, "eta": jets.eta, "m": jets.mass})
    with pytest.raises(
        UserError, match=r"no field mass, the nearest is m \(names=\{'mass': 'm'\}\); pt, the nearest is PT"
    ):
        score_jets(runs["jets"], other)
    found = score_jets(runs["jets"], other, names={"pt": "PT", "mass": "m"})
    np.testing.assert_array_equal(hardest(jets, found), kept(runs["jets"]))
    # A version of NanoAOD without some taggers.
    with pytest.raises(UserError, match="no field btagDeepCvB, the nearest is btagDeepC "):
        score_jets(runs["events"], plain_jets(DIMUON))
    with pytest.raises(UserError, match=r"energy is no feature of the run; it scores mass, pt, eta"):
        score_jets(runs["jets"], jets, names={"energy": "pt"})


def test_what_is_refused_is_told_in_one_line(runs):
    jets = plain_jets()
    for given, told in (
        (ak.flatten(jets), "depth 1, one jet in each row; jets of events are needed, events * var * {pt, eta, …}"),
        (jets[:, :, None], "depth 3"),
        (jets.pt, "depth 2 without fields"),
        (jets.pt.to_list(), "type list; awkward or dask_awkward arrays are needed"),
        (ak.mask(jets, jets.pt > 30), "some jets, or events, are None; leave them out with ak.drop_none"),
        (ak.with_field(jets, np.nan, "eta"), "entries hold NaN or inf"),
    ):
        with pytest.raises(UserError) as refused:
            score_jets(runs["jets"], given)
        assert told in str(refused.value)
        assert "\n" not in str(refused.value)
