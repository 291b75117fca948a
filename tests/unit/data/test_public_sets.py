"""`data=lhco`, `data=adc2021`, …: files of public sets as they were published, trained on without another command."""

import numpy as np
import pytest
import torch
from tests.every_model import composed, data_class, model_class, options
from tests.layouts import LAYOUTS

from hepad.checks.combinations import validate
from hepad.config import RunConfig, compose
from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5
from hepad.data import EventsDataModule, TableDataModule
from hepad.formats import Request, convert_files
from hepad.run.building import build_data, build_model

SETS = [data for data in options("data") if not composed(f"data={data}").data.bundled]
MODELS = {"vector": "dense_ae", "set": "td_ae", "image": "conv_ae"}
# The other sets are composed where they are trained on.
FITTING = [model for model in options("model") if "vector" in model_class(model).structures]


def written(data: str, directory, seed: int = 1):
    """Write a tiny file in the layout that a data set reads; return where."""
    layout = LAYOUTS[composed(f"data={data}").data.format]
    path = directory / f"published{layout.suffix}"
    layout.write(path, seed)
    return path


@pytest.mark.parametrize("data", SETS)
def test_a_model_learns_from_the_published_file(data, tmp_path):
    model = "flow" if data == "lhco_context" else MODELS[data_class(data).structure]
    words = [f"data={data}", f"model={model}", f"paths.run={tmp_path}"]
    config = RunConfig.of(compose("train", [*words, f"++data.samples.background={written(data, tmp_path)}"]))
    found = build_data(config)
    torch.manual_seed(0)
    built = build_model(config, found).train()
    batch = found.train_entries.batch
    loss = built.losses(batch).mean()
    loss.backward()
    assert torch.isfinite(loss)
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in built.parameters())
    built.eval()
    for entries in found.test_entries.values():
        assert torch.isfinite(built.anomaly_score(entries.batch)).all()


@pytest.mark.parametrize("model", FITTING)
def test_every_model_that_fits_composes(model):
    words = ["data=lhco", f"model={model}", "paths.run=run"]
    roles = ["{sample: background, region: signal, label: 1}", "{sample: background, region: sidebands, label: 0}"]
    labels = [f"data.train=[{','.join(roles)}]"] if model in ("classifier", "trees") else []
    validate(compose("train", [*words, *labels]))


def test_lhco_is_as_the_field_uses_it(tmp_path):
    """Numbers of the features file; regions in m_jj; the truth tested; signal in training as rare as is asked for."""
    layout = LAYOUTS["lhco_features"]
    expected = layout.write(tmp_path / "a.h5", 5)
    config = composed("data=lhco").data
    data = build(tmp_path / "a.h5", format="lhco_features", features=list(config.features), regions=config.regions)
    table, names = expected["table"]
    columns = [names.index(name) for name in ("m_j2", "delta_m", "tau21_j2", "tau21_j1")]
    np.testing.assert_allclose(
        data.train_entries.batch.x, table[data.train_entries.index][:, columns], rtol=2e-5, atol=1e-3
    )
    assert set(data.test_entries) == {"background", "background_signal"}
    label = np.asarray(expected["label"][0])
    assert (label[data.test_entries["background_signal"].index] == 1).all()
    assert (label[data.train_entries.index] == 1).any()
    m_jj = table[:, names.index("m_jj")].astype(np.float64)
    wanted = (m_jj >= 3300) & (m_jj < 3700)
    found = data.regions["signal"].holds(data._entries["background"].observables)
    np.testing.assert_array_equal(found, wanted)


def build(path, **settings):
    data = TableDataModule(samples={"background": str(path)}, background="background", bundled=False, **settings)
    data.setup()
    return data


def test_a_converted_file_and_a_published_one_are_the_same_and_may_stand_side_by_side(tmp_path):
    published = written("adc2021", tmp_path)
    convert_files([published], tmp_path / "mine.h5", Request())
    data = EventsDataModule(
        samples={"mine": str(tmp_path / "mine.h5"), "signal": str(written("adc2021", tmp_path))},
        background="mine",
        bundled=False,
        format="adc2021",
    )
    data.setup()
    assert data.files["mine"] == tmp_path / "mine.h5"
    assert data.files["signal"] != published
    with open_hdf5(data.files["signal"]) as file:
        assert file.attrs["format"] == "adc2021"
    whole, rest = data._entries["signal"], data._entries["mine"]
    torch.testing.assert_close(whole.batch.x, rest.batch.x, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("data", "layout", "said"),
    [
        ("lhco", "lhco", "of the format lhco .*data.format=lhco_features reads another"),
        ("jetnet", "top_tagging", "of the format top_tagging"),
        ("adc2021", "jetnet", "of the format jetnet"),
    ],
)
def test_a_file_of_another_set_is_one_line(data, layout, said, tmp_path):
    path = tmp_path / f"a{LAYOUTS[layout].suffix}"
    LAYOUTS[layout].write(path, 1)
    words = [f"data={data}", "paths.run=run", f"++data.samples.background={path}"]
    with pytest.raises(UserError, match=said) as raised:
        build_data(RunConfig.of(compose("train", words)))
    assert "\n" not in str(raised.value)


def test_without_a_file_the_way_is_told():
    with pytest.raises(UserError, match=r"no samples; name some with data\.samples\.<name>=FILE"):
        build_data(RunConfig.of(compose("train", ["data=lhco", "paths.run=run"])))
    with pytest.raises(UserError, match="format=none_such: no such preset"):
        TableDataModule(samples={"background": __file__}, background="background", bundled=False, format="none_such")
