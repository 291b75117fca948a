"""Closure against the side bands: draws are compared with entries that the density has not seen."""

import numpy as np
import pytest
from tests.searching import QUICK, WINDOW, falling, no_training, search_config, write_rows

from hepad.run.building import build_data
from hepad.searches import results
from hepad.searches.methods import stages_of
from hepad.searches.preparing import prepare_samples
from hepad.searches.reading import SampleReader
from hepad.searches.settings import read_settings
from hepad.searches.stages import Place, Stages


@pytest.mark.parametrize("cross_fit", [True, False])
def test_no_entry_of_the_side_bands_that_the_density_knows_tells_how_well_it_does(tmp_path, monkeypatch, cross_fit):
    path = write_rows(tmp_path / "mine.h5", falling(4000, 3))
    own = ["data=table", "data.bundled=false", f"data.samples.data={path}", *WINDOW, "null_twin=none"]
    cfg = search_config("method=cathode", *own, *QUICK, f"methods.cathode.cross_fit={str(cross_fit).lower()}")
    settings = read_settings(cfg)
    samples = prepare_samples(settings, SampleReader(cfg))
    planned = Stages(tmp_path, settings, samples, no_training)
    place = Place(planned, samples.windows[0], "data", "samples")
    samples.write(tmp_path / f"samples-{samples.key}")
    stages = stages_of(place, settings.methods[0])
    compared = []
    monkeypatch.setattr(results, "load_run", lambda directory: type("Run", (), {"model": directory}))
    monkeypatch.setattr(results, "sample_given", lambda model, mass, seed: np.zeros((len(mass), 3), dtype=np.float32))
    monkeypatch.setattr(results, "template_closure", lambda made, target, *_: compared.append(target))
    results._closure(stages)
    (trained,) = build_data(planned.found[stages.densities[0][0]].config).role_entries
    known = {bytes(row) for part in (trained.train, trained.val) for row in part.batch.x.numpy()}
    (target,) = compared
    assert len(target) > 100
    assert known.isdisjoint({bytes(row) for row in target})
