"""The commands of docs/showers.md, run as they stand there on few showers, and its numbers."""

import re
import shlex
import shutil
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from hepad import convert, evaluate, generate, load_run, score, simulate, train
from hepad.bundled import bundled_files
from hepad.run import cluster_scoring, scoring, scoring_input
from tests.layouts import LAYOUTS
from tests.runs.conftest import call
from tests.runs.test_documented_files import QUICK, ROOT, blocks

PAGE = "docs/showers.md"
COMMANDS = {
    "convert": convert.main,
    "evaluate": evaluate.main,
    "generate": generate.main,
    "simulate": simulate.main,
    "train": train.main,
}
FEW = {
    "train": [*QUICK, "data.limit=60", "evaluation.symmetry_entries=0"],
    "simulate": ["n_events=20", "workers=1", "validate=false"],
    "generate": ["n=30"],
    "evaluate": ["evaluation.plots=false", "evaluation.symmetry_entries=0"],
}


def run(block: str, directory: Path, *more: str) -> None:
    """Run the commands of a block, those words of which are others that make them quick."""
    for line in block.replace("\\\n", " ").splitlines():
        _, _, name, *words = shlex.split(line, comments=True)
        command = name.removeprefix("hepad.")
        quick = {
            word.partition("=")[0]: word for word in [*FEW.get(command, []), *(more if command == "train" else ())]
        }
        told = {word.partition("=")[0]: word for word in words}
        told |= {
            key: word
            for key, word in quick.items()
            if key not in ("hydra.run.dir", "data.batch_size") or key not in told
        }
        done = call(COMMANDS[command], directory, *told.values())
        assert done.code == 0, done.err
        shutil.rmtree(directory / "run", ignore_errors=True)


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.thorough
def test_training_and_generating_as_the_page_says(directory):
    (first,) = [block for block in blocks(PAGE) if "data=showers   " in block]
    run(first, directory, "data.batch_size=20")
    (block,) = blocks(PAGE, "\n## Generating showers")
    run(block, directory, "data.batch_size=20")
    with h5py.File(directory / "generated.h5") as file:
        assert file["shower_volume"].shape == (30, 10, 10, 10)
    # Another grid is refused with both shapes.
    with h5py.File(directory / "fine.h5", "w") as file:
        file["shower_volume"] = np.ones((12, 12, 12, 12), dtype="f4")
    done = call(score.main, directory, "run=vae_showers", "input=fine.h5", "output=scores.h5")
    assert done.code == 2
    assert "have the shape (1, 12, 12, 12); this run scores (1, 10, 10, 10)" in done.err
    assert not (directory / "scores.h5").exists()


def test_the_simulation_as_the_page_says(directory):
    (block,) = blocks(PAGE, "\n## The simulation")
    run(block, directory)
    assert sorted(path.name for path in (directory / "simulated").iterdir()) == ["photon_showers.h5", "pion_showers.h5"]


def test_public_files_as_the_page_says(directory):
    LAYOUTS["getting_high"].write(directory / "few.hdf5", 1)
    with h5py.File(directory / "few.hdf5") as few, h5py.File(directory / "getting_high.hdf5", "w") as file:
        for name in ("30x30/layers", "30x30/energy"):
            file[name] = np.concatenate([few[name][:]] * 2)
    LAYOUTS["calochallenge2"].write(directory / "dataset_2.hdf5", 1)
    (block,) = blocks(PAGE, "\n## The data")
    run(block, directory)


def tasks(function, given):
    """Do tasks one after the other, as workers would."""
    yield from map(function, given)


def test_an_energy_outside_the_range_trained_on_is_remarked_on(directory, monkeypatch):
    """The files of a run with a context say its range, and whoever tests or scores more is told so, once."""
    rng = np.random.default_rng(0)
    for name, low, high in (("low", 10, 50), ("high", 40, 100)):
        with h5py.File(directory / f"{name}.h5", "w") as file:
            file["table"] = rng.normal(size=(200, 3)).astype("f4")
            file["table"].attrs["features"] = ["a", "b", "incident_energy"]
            energy = np.linspace(low, high, 200)
            file["table"][:, 2] = energy
    words = ["model=flow", "data=table", "data.bundled=false", "data.background=low", "data.samples.low=low.h5"]
    done = call(train.main, directory, *words, "data.samples.high=high.h5", "data.context=[incident_energy]", *QUICK)
    assert done.code == 0, done.err
    page = (directory / "run/report.html").read_text()
    assert len(re.findall(r"<li>high: incident_energy of \d+ of 200 entries is outside 10 to", page)) == 1
    assert "lies outside of the range" not in page
    done = call(score.main, directory, "run=run", "input=high.h5", "output=scores.h5")
    assert done.code == 0, done.err
    (found,) = re.findall(r"note: high\.h5: incident_energy of (\d+) of 200 entries is outside 10 to", done.out)
    assert 160 <= int(found) <= 170
    # A cluster's workers, here in this process: rows in several tasks, and the last block once more.
    monkeypatch.setattr(scoring_input, "ROWS", 70)
    monkeypatch.setattr(
        cluster_scoring, "cluster_workers", lambda cluster: nullcontext(SimpleNamespace(in_order=tasks, n_threads=1))
    )
    one_by_one = SimpleNamespace(workers=1)
    shared = scoring.score_file(directory / "run", directory / "high.h5", directory / "shared.h5", cluster=one_by_one)
    assert shared.entries == 200
    assert [f"incident_energy of {found} of 200 entries" in line for line in shared.remarks] == [True]
    done = call(
        evaluate.main, directory, "run=run", "data.samples.high=high.h5", "evaluation.plots=false", "name=again"
    )
    assert "high: incident_energy of" in (directory / "run/evaluations/again/report.html").read_text()
    done = call(generate.main, directory, "run=run", "context=high.h5", "output=made.h5")
    assert done.code == 0, done.err
    assert "entries is outside 10 to" in done.err
    assert load_run(directory / "run").context_names == ("incident_energy",)


def test_the_readme_of_the_bundled_showers_has_their_numbers():
    rows = (ROOT / "src/hepad/bundled/README.md").read_text(encoding="utf-8").splitlines()
    for sample in ("photon_showers", "pion_showers"):
        (row,) = [line for line in rows if line.startswith(f"| `{sample}.h5`")]
        with h5py.File(bundled_files()[sample]) as file:
            cells, energy = file["shower_volume"][:], file["incident_energy"][:]
        response = cells.sum(axis=(1, 2, 3), dtype=float) / (1000 * energy)
        _, _, n, _, told, hit, _ = (cell.strip() for cell in row.split("|"))
        assert int(n.replace(" ", "")) == len(cells)
        shown = 2000
        assert told == f"{response[:shown].mean():.4f} ± {response[:shown].std():.4f}"
        assert int(hit) == round((cells[:shown] > 0).mean() * 1000)
