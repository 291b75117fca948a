"""Entries with another context than a run was trained on, and energies given to generators in any unit."""

from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch
from tests.own_data import N_ROWS, read_kind, write_kind

from hepad.data import ShowerDataModule
from hepad.run.context_range import ContextRange, context_range_facts
from hepad.run.generated_context import wanted_context

DRAWS = torch.Generator()
FACTS = {"context": ["m_jj", "incident_energy"], "context_range": {"incident_energy": [10.0, 100.0]}}


def test_the_range_is_that_of_what_trains(tmp_path) -> None:
    path = write_kind(ShowerDataModule, tmp_path / "a.h5", incident_energy=np.linspace(1, 2, N_ROWS))
    data = read_kind(ShowerDataModule, path, context=["incident_energy"])
    energy = data.train_entries.batch.context
    assert context_range_facts(data) == {"incident_energy": [float(energy.min()), float(energy.max())]}
    assert context_range_facts(read_kind(ShowerDataModule, path)) is None


def test_entries_outside_are_counted_over_all_parts() -> None:
    seen = ContextRange(FACTS)
    seen.add(np.array([[0.0, 9.0], [0.0, 10.0]]))
    seen.add(np.array([[0.0, 100.0], [0.0, 1e4]]))
    seen.add(None)
    # The ends are those of a sample: within 1% of its width other entries of one truth lie beyond.
    seen.add(np.array([[0.0, 9.2], [0.0, 100.8]]))
    (line,) = seen.remarks("a.h5")
    assert line.startswith("a.h5: incident_energy of 2 of 6 entries is outside 10 to 100")


@pytest.mark.parametrize("facts", [{}, {"context": ["m_jj"]}, {"context": ["m_jj"], "context_range": {"m_jj": [1.0]}}])
def test_runs_that_do_not_say_their_range_are_not_remarked_on(facts) -> None:
    seen = ContextRange(facts)
    seen.add(np.array([[-1e9]]))
    assert seen.remarks("a.h5") == []


def test_a_generator_is_given_gev_whatever_the_unit_of_the_file(tmp_path, capsys) -> None:
    with h5py.File(tmp_path / "converted.h5", "w") as file:
        file["table"] = np.array([[5e3, 1.0], [5e4, 1.0]], dtype="f4")
        file["table"].attrs["features"] = ["incident_energy", "n_hit"]
        file["table"].attrs["units"] = ["MeV", ""]
    (tmp_path / "provenance.json").write_text(
        '{"context": ["incident_energy"], "context_range": {"incident_energy": [10, 100]}}'
    )
    run = SimpleNamespace(context_names=("incident_energy",), trained_in=tmp_path, directory=tmp_path)
    np.testing.assert_allclose(wanted_context(run, "showers", tmp_path / "converted.h5", None, DRAWS), [[5.0], [50.0]])
    assert "note: converted.h5: incident_energy of 1 of 2 entries is outside 10 to 100" in capsys.readouterr().err
    # Of any other kind a column is what it is.
    np.testing.assert_allclose(wanted_context(run, "table", tmp_path / "converted.h5", None, DRAWS), [[5e3], [5e4]])
