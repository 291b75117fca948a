"""A package made by `hepad new`, built and installed by pip: its model, loss and data are options like hepad's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hepad import compare, evaluate, load_run, new, score, train
from hepad.config.installed import installed_options
from tests.conftest import make_jets
from tests.runs.conftest import call, two_samples

DATA = '''
from hepad.data import JetsDataModule


class HardJets(JetsDataModule):
    """Jets above 20 GeV."""

    def __init__(self, *, min_pt=20.0, **settings):
        super().__init__(min_pt=min_pt, **settings)
'''
QUICK = ["trainer.max_epochs=1", "logger=none", "evaluation.plots=false"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A directory with two samples, the source of a package in `my-lab`, and the package installed in `site`."""
    directory = tmp_path_factory.mktemp("lab")
    two_samples(directory)
    printed = ""
    for kind, name in (("model", "mine"), ("loss", "sharp")):
        done = call(new.main, directory, kind, name, "package=my-lab")
        assert done.code == 0, done.err
        printed += done.out
    added = [
        line.strip() for line in printed.splitlines() if line.startswith("    ") and ("sharp =" in line or "[" in line)
    ]
    source = directory / "my-lab/src/my_lab"
    (source / "hard.py").write_text(DATA)
    (source / "hepad_configs/data").mkdir()
    (source / "hepad_configs/data/hard_jets.yaml").write_text(
        "defaults:\n  - jets\n\n_target_: my_lab.hard.HardJets\nmin_pt: 20.0 # GeV\n"
    )
    with (directory / "my-lab/pyproject.toml").open("a") as file:
        file.write(
            "\n" + "\n".join([*added, '[project.entry-points."hepad.data"]', 'hard_jets = "my_lab.hard:HardJets"'])
        )
    # setuptools is the build backend, here as in every environment of torch; nothing is fetched.
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", "site", "./my-lab"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(source)
    return directory


@pytest.fixture
def installed(lab, monkeypatch):
    """The same, with the package on the path of this process."""
    monkeypatch.syspath_prepend(str(lab / "site"))
    installed_options.cache_clear()
    yield lab
    installed_options.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_lab"]:
        del sys.modules[name]


def samples(directory):
    files = [f"data.samples.{name}={directory / name}.h5" for name in ("background", "signal")]
    return ["data.bundled=false", "data.background=background", *files]


def run_python(lab: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python on `words` where the package is installed."""
    environment = os.environ | {"PYTHONPATH": str(lab / "site"), "OMP_NUM_THREADS": "1"}
    environment.pop("HEPAD_TRUST", None)
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def run(lab):
    """The run of the model, trained by its name in a process of its own."""
    words = ["model=mine", "model.hidden=8", *samples(lab), *QUICK, "hydra.run.dir=run"]
    done = run_python(lab, "-m", "hepad", "train", *words, cwd=lab)
    assert done.returncode == 0, done.stderr
    return lab / "run"


@pytest.mark.thorough
def test_the_test_that_came_with_each_passes(lab, tmp_path):
    files = [str(lab / f"my-lab/tests/test_{name}.py") for name in ("mine", "sharp")]
    done = run_python(lab, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_its_run_is_loaded_and_scores(installed, run):
    loaded = load_run(run)
    assert type(loaded.model).__module__ == "my_lab.mine"
    assert loaded.model.hparams["hidden"] == 8
    scores = loaded.score(make_jets(20, 8, 20, seed=1).reshape(-1, 17))
    assert scores.shape == (160,)
    assert np.isfinite(scores[~np.isnan(scores)]).all()


def test_its_run_is_scored_evaluated_compared_and_resumed_by_the_commands(installed, run):
    file = installed / "signal.h5"
    commands = [
        (score.main, [f"run={run}", f"input={file}", "output=scores.h5"]),
        (
            evaluate.main,
            [f"run={run}", f"data.samples.other={file}", "name=again", "evaluation.plots=false", "logger=none"],
        ),
        (train.main, [f"resume={run}", "trainer.max_epochs=2"]),
        (compare.main, [str(run), str(run / "evaluations/again"), "output=page"]),
    ]
    for command, words in commands:
        done = call(command, installed, *words)
        assert done.code == 0, done.err
    assert (run / "history.csv").read_text().count("\n") == 3
    assert ">mine<" in (installed / "page/comparison.html").read_text()


def test_without_the_package_the_run_is_refused(run):
    with pytest.raises(ValueError, match=r"my_lab\.mine\.Mine' is not one of hepad's"):
        load_run(run)


def test_loss_and_data_are_options_too_and_a_sweep_goes_over_them(installed, tmp_path):
    words = ["-m", "model=mine", "loss=sharp,mse", "data=hard_jets", *samples(installed), *QUICK]
    done = call(train.main, tmp_path, *words)
    assert done.code == 0, done.err
    configs = [path.read_text() for path in tmp_path.glob("multirun/*/*/config.yaml")]
    assert len(configs) == 2
    assert all("my_lab.hard.HardJets" in config and "min_pt: 20.0" in config for config in configs)
    assert sum("my_lab.sharp.Sharp" in config for config in configs) == 1


def test_help_and_completion_know_it(lab, tmp_path):
    shown = run_python(lab, "-m", "hepad", "train", "model=mine", "loss=sharp", "--help", cwd=tmp_path).stdout
    # The options of a group may take several lines.
    models = shown.partition("\n  model=")[2].partition("=")[0].split()
    assert "mine" in models
    assert "width of the code" in shown
    assert "model.loss.power=1.5" in shown
    script = "COMP_LINE='hepad train model=mi' exec \"$0\" -m hepad train -sc query=bash"
    environment = os.environ | {"PYTHONPATH": str(lab / "site")}
    done = subprocess.run(
        ["bash", "-c", script, sys.executable],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "model=mine\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=mime"], "did you mean 'mine'?"),
        (["model=mine", "model.latnt=3"], "did you mean 'latent'?"),
        (["model=mine", "model.latent=wide"], "model.latent=wide: an integer is needed, such as 4"),
        (["-m", "model=mine", "model.latent=2,wide"], "model.latent=wide: an integer is needed, such as 4"),
        (["model=mine", "data=events"], "model Mine takes vectors, not the sets of data=events"),
        (["data._target_=my_lab.mine.Mine"], "data._target_=my_lab.mine.Mine does not belong there"),
        (["loss=sharp", "model.loss.power=0"], "Sharp: power=0; at least 1 is needed"),
    ],
)
def test_a_wrong_word_is_named_as_with_hepads_own(installed, tmp_path, words, said):
    done = call(train.main, tmp_path, *words, *samples(installed))
    assert done.code == 2, done.out
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("hepad_configs/model/mine.yaml", "model=mine: my-lab declares it, but brings no "),
        ("mine.py", "it is the model mine of the installed package my-lab; mend that one"),
    ],
)
def test_a_package_that_lost_a_file_is_one_line(lab, tmp_path, lost, said):
    shutil.copytree(lab / "site", tmp_path / "site")
    (tmp_path / "site/my_lab" / lost).unlink()
    done = run_python(tmp_path, "-m", "hepad", "train", "model=mine", *samples(lab), cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "outputs").exists()
