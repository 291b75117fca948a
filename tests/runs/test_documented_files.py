"""Every example of docs/data_formats.md, of docs/your_data.md and of dijets, run as it stands there."""

import re
import shlex
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from hepad import convert, fetch, inspect, load_run, train
from hepad.cli.help import command_help
from hepad.formats.functions import FUNCTIONS
from hepad.formats.high_level import HIGH_LEVEL
from hepad.formats.preset import preset_files
from hepad.formats.public_sets import PUBLIC_SETS, PublicSet
from tests.conftest import make_jets, make_table, write_image_file, write_jet_file, write_table_file
from tests.layouts import LAYOUTS
from tests.local_zenodo import zenodo
from tests.runs.conftest import call
from tests.xrootd_servers import PRETENDED, server

ROOT = Path(__file__).parents[2]
COMMANDS = {"train": train.main, "convert": convert.main, "inspect": inspect.main}
QUICK = [
    "trainer.max_epochs=1",
    "evaluation.plots=false",
    "logger=none",
    "hydra.run.dir=run",
]


def blocks(path: str, after: str = "") -> list[str]:
    """The indented blocks of a page of documentation, of one section of it where that is named."""
    text = (ROOT / path).read_text(encoding="utf-8")
    section = text[text.index(after) :].split("\n## ")[1] if after else text
    found = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", section, flags=re.MULTILINE)
    return ["\n".join(line[4:] for line in block.splitlines()) for block in found]


def commands(block: str) -> list[list[str]]:
    """The commands of a block, as words, continued lines joined."""
    return [
        shlex.split(line)[2:] for line in block.replace("\\\n", " ").splitlines() if line.startswith("python -m hepad.")
    ]


def run_commands(block: str, directory: Path) -> None:
    for name, *words in [[line[0].removeprefix("hepad."), *line[1:]] for line in commands(block)]:
        done = call(COMMANDS[name], directory, *words, *(QUICK if name == "train" else []))
        assert done.code == 0, done.err


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def section(title: str) -> str:
    return (ROOT / "docs" / "data_formats.md").read_text(encoding="utf-8").split(f"{title}\n")[1].split("\n#")[0]


def test_own_data_in_five_minutes(directory):
    (block,) = blocks("docs/data_formats.md", "\n## Your own data in five minutes")
    exec(block[: block.index("python -m ")], {"table": make_table(300, seed=1)})
    run_commands(block, directory)
    assert load_run(directory / "run").features == ("energy", "mass", "angle", "ratio", "count")


def test_public_formats_and_a_preset_of_ones_own(directory):
    shutil.copy(ROOT / "tests" / "data" / "nano_dimuon.root", directory / "nano.root")
    LAYOUTS["lhco_jets"].write(directory / "events.h5", seed=1)
    for block in blocks("docs/data_formats.md", "\n## Public formats"):
        run_commands(block, directory)
    with h5py.File(directory / "cut.h5") as file:
        assert list(file["event_features"].attrs["features"])[-2:] == ["m_jj", "delta_eta"]
    (block,) = blocks("docs/data_formats.md", "\n## A preset of your own")
    (directory / "muons.yaml").write_text(block[: block.index("python -m ")])
    run_commands(block, directory)
    assert load_run(directory / "run").features == ("pt", "eta", "phi", "mass", "charge")


def test_files_on_servers(directory):
    with server(PRETENDED) as served:
        LAYOUTS["nanoaod"].write(served.store / "nano.root", seed=1)
        LAYOUTS["lhco_features"].write(served.store / "features.h5", seed=1)
        for block in blocks("docs/data_formats.md", "\n## Files on servers"):
            run_commands(block, directory)
    assert len(load_run(directory / "run").features) == 4


def test_public_sets_files_of_parts_and_contamination(directory):
    LAYOUTS["lhco_features"].write(directory / "features.h5", seed=1)
    for seed, part in enumerate(("train", "val", "test")):
        LAYOUTS["top_tagging"].write(directory / f"{part}.h5", seed)
    write_table_file(directory / "qcd.h5", make_table(300, 1))
    write_table_file(directory / "signal.h5", make_table(60, 2))
    for block in blocks("docs/data_formats.md", "\n## Public sets"):
        run_commands(block, directory)
        shutil.rmtree(directory / "run")
    told = re.findall(r"^\| `(\w+)` \|", section("## Public sets"), flags=re.MULTILINE)
    configs = {path.stem for path in (ROOT / "configs" / "data").glob("*.yaml")}
    assert set(told) == configs - {"calo", "constituents", "dijets", "events", "jet_images", "jets", "showers", "table"}


@pytest.mark.thorough
def test_dijets_that_ship_with_hepad(directory):
    for block in blocks("docs/physics.md", "\n## Dijets"):
        for _, *words in commands(block):
            done = call(train.main, directory, *words, *QUICK, "data.limit=1500")
            assert done.code == 0, done.err
            (auc,) = re.findall(r"wprime_dijet +│ +([0-9.]+)\(", done.out)
            assert float(auc) > 0.6
            shutil.rmtree(directory / "run")


def test_downloads(directory, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    LAYOUTS["lhco_features"].write(directory / "made.h5", seed=1)
    (block,) = blocks("docs/data_formats.md", "\n## Downloads")
    told = re.findall(r"^\| `(\w+)` \| (\d+) \| (.*) \|$", section("## Downloads"), flags=re.MULTILINE)
    assert {name: PublicSet(int(record), title) for name, record, title in told} == PUBLIC_SETS
    with zenodo({6466204: {"some_features.h5": (directory / "made.h5").read_bytes(), "raw.h5": b"large"}}) as server:
        for _, *words in commands(block):
            done = call(fetch.main, directory, *words, f"server={server.url}")
            assert done.code == 0, done.err
        assert len(server.downloads) == 1
    assert [path.name for path in (directory / "sets").iterdir()] == ["some_features.h5"]


def test_all_presets_features_and_functions_are_told():
    formats = re.findall(
        r"`(\w+)`", "".join(row.split("|")[2] for row in section("## Public formats").splitlines() if "|" in row)
    )
    assert set(formats) - {"format"} == set(preset_files())
    rows = [
        row.strip("| ").split(" | ") for row in section("### High-level features").splitlines() if row.startswith("| `")
    ]
    assert {row[0].strip("`"): row[1].strip() for row in rows} == {n: f.definition for n, f in HIGH_LEVEL.items()}
    told = section("## A preset of your own").split("and the functions ")[1].split(". ")[0]
    assert set(re.findall(r"`(\w+)`", told)) == set(FUNCTIONS)


def test_jets_of_four_columns(directory):
    (block,) = blocks("docs/data_formats.md", "\n## Jets")
    python = block[: block.index("python -m ")]
    exec(python, {"array": make_jets(300, 3.0, 15.0, seed=1)[..., :4]})
    exec(python.replace("my_background", "my_signal"), {"array": make_jets(100, 5.0, 60.0, seed=2)[..., :4]})
    run_commands(block, directory)
    run = load_run(directory / "run")
    assert run.features == ("pt", "eta", "phi", "mass")
    jets = make_jets(20, 3.0, 15.0, seed=3)[..., :4]
    scores = run.score(jets.reshape(-1, 4))
    np.testing.assert_array_equal(np.isnan(scores), jets.reshape(-1, 4)[:, 0] == 0)
    permuted = run.score(jets.reshape(-1, 4)[:, ::-1], features=["mass", "phi", "eta", "pt"])
    np.testing.assert_array_equal(permuted, scores)
    # What was left out is told by the very command.
    assert "Left out" in (directory / "run" / "report.html").read_text(encoding="utf-8")


def test_a_table_of_five_columns(directory):
    (block,) = blocks("docs/data_formats.md", "\n## Tables")
    python = block[: block.index("python -m ")]
    exec(python, {"array": make_table(300, seed=1)})
    exec(python.replace("mine.h5", "signal.h5"), {"array": make_table(200, seed=2, shift=0.3)})
    run_commands(block, directory)
    assert load_run(directory / "run").features == ("energy", "angle", "ratio")
    report = (directory / "run" / "report.html").read_text(encoding="utf-8")
    assert "Σ pT stands for the column energy." in report


@pytest.mark.thorough
def test_constituents_of_fat_jets(directory):
    python, command = blocks("docs/data_formats.md", "\n## Fat jets")
    array = np.random.default_rng(1).random((60, 5, 3)).astype("f4") + np.array([10, 0, 0], dtype="f4")
    exec(python, {"array": array, "h5py": h5py})
    words = ["data=jet_images", "data.bundled=false", "data.background=mine", "data.samples.mine=my_jets.h5"]
    done = call(train.main, directory, "model=conv_ae", *words, *QUICK)
    assert done.code == 0, done.err
    shutil.rmtree(directory / "run")
    run_commands(command, directory)
    assert load_run(directory / "run").features == ("pt_share", "delta_eta", "delta_phi")


def test_images_of_events(directory):
    (command,) = blocks("docs/data_formats.md", "\n## Images of events")
    write_image_file(directory / "ZeroBias.h5", n_events=150, dataset="CaloRegions")
    write_image_file(directory / "GluGluToHHTo4B.h5", n_events=60, hot_et=90.0, seed=2, dataset="CaloRegions")
    run_commands(command, directory)


def test_files_of_ones_own(directory):
    command, _own_model, conversion, simulation = blocks("docs/your_data.md", "\n## Your own data")
    shutil.copy(ROOT / "tests" / "data" / "nano_dimuon.root", directory / "nano.root")
    run_commands(conversion, directory)
    assert (directory / "my_background.h5").is_file()
    write_jet_file(directory / "my_background.h5", mean_pt=10.0, seed=1)
    write_jet_file(directory / "my_signal.h5", mean_pt=40.0, seed=2)
    run_commands(command, directory)
    # A simulation of this size takes minutes; its keys are those that the command has.
    (words,) = commands(simulation)
    assert all(f"  {word.split('=')[0]}=" in command_help("simulate") for word in words[1:])


def test_no_block_is_forgotten():
    assert len(blocks("docs/data_formats.md")) == 16
