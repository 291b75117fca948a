"""`hepad new`: which files it writes into which package, and what it refuses before it writes any."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.runs.conftest import call

from hepad import new
from hepad.config.installed import ENTRY_POINTS


def files_below(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["model", "loss"])
def test_a_package_is_made_where_there_is_none(tmp_path, kind):
    done = call(new.main, tmp_path, kind, "my_part", "package=my-lab")
    assert done.code == 0, done.err
    assert files_below(tmp_path / "my-lab") == [
        "pyproject.toml",
        "src/my_lab/__init__.py",
        f"src/my_lab/hepad_configs/{kind}/my_part.yaml",
        "src/my_lab/my_part.py",
        "tests/test_my_part.py",
    ]
    settings = tomllib.loads((tmp_path / "my-lab/pyproject.toml").read_text())
    assert settings["project"]["name"] == "my-lab"
    assert settings["project"]["entry-points"] == {ENTRY_POINTS[kind]: {"my_part": "my_lab.my_part:MyPart"}}
    assert "-m pip install -e ./my-lab\n" in done.out
    assert f"-m hepad.train {kind}=my_part\n" in done.out


@pytest.mark.parametrize("page", ["docs/your_data.md", "CONTRIBUTING.md"])
def test_the_documented_command_makes_what_the_documentation_says(tmp_path, page):
    text = (Path(__file__).parents[3] / page).read_text(encoding="utf-8")
    (words,) = re.findall(r"^    hepad new (.*?) +#", text, flags=re.MULTILINE)
    done = call(new.main, tmp_path, *words.split())
    assert done.code == 0, done.err
    assert "pip install -e ./my_lab\n" in text
    assert "pip install -e ./my_lab\n" in done.out
    (name,) = set(re.findall(r"hepad train model=(\w+)(?: model\.latent=3)?\n", text))
    yaml = (tmp_path / f"my_lab/src/my_lab/hepad_configs/model/{name}.yaml").read_text()
    assert "latent: 4 #" in yaml
    entry_point = re.findall(r"^    (\[project\.entry-points.*\])\n    (.*)$", text, flags=re.MULTILINE)
    assert (page == "CONTRIBUTING.md") is bool(entry_point)
    for lines in entry_point:
        assert "\n".join(lines) in (tmp_path / "my_lab/pyproject.toml").read_text()


@pytest.mark.parametrize("kind", ["model", "loss"])
def test_what_it_writes_is_in_good_style(tmp_path, kind):
    call(new.main, tmp_path, kind, "my_part", "package=my_lab")
    for words in (["check", "--select", "E,F,W,I,B,UP,SIM,RUF,PT"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--isolated", "--no-cache", "--line-length", "120", "my_lab"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_second_part_prints_the_lines_that_the_pyproject_toml_lacks_and_leaves_it_alone(tmp_path):
    call(new.main, tmp_path, "model", "first", "package=my_lab")
    before = (tmp_path / "my_lab/pyproject.toml").read_text()
    loss = call(new.main, tmp_path, "loss", "sharp", "package=my_lab").out
    assert '    [project.entry-points."hepad.losses"]\n    sharp = "my_lab.sharp:Sharp"\nthen:' in loss
    model = call(new.main, tmp_path / "my_lab", "model", "second").out
    assert '    # in [project.entry-points."hepad.models"]\n    second = "my_lab.second:Second"\nthen:' in model
    assert "pip install -e .\n" in model
    assert (tmp_path / "my_lab/pyproject.toml").read_text() == before


@pytest.mark.parametrize(
    ("backend", "root", "lines"),
    [
        ("", "strange_tools", '    [tool.setuptools.package-data]\n    strange_tools = ["hepad_configs/**/*.yaml"]\n'),
        ('[build-system]\nbuild-backend = "hatchling.build"\n', "src/tools", None),
    ],
)
def test_a_package_that_is_there_already_keeps_its_layout(tmp_path, backend, root, lines):
    (tmp_path / root).mkdir(parents=True)
    (tmp_path / root / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text(f'{backend}[project]\nname = "Strange.Tools"\n')
    done = call(new.main, tmp_path, "model", "mine")
    assert done.code == 0, done.err
    name = root.rpartition("/")[2]
    assert f'mine = "{name}.mine:Mine"' in done.out
    assert (tmp_path / root / "hepad_configs/model/mine.yaml").read_text().count(f"_target_: {name}.mine.Mine") == 1
    assert ("package-data" in done.out) is (lines is not None)
    assert lines is None or lines in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "what, and how is it named?"),
        (["model"], "-m hepad.new model NAME"),
        (["modle", "mine"], "kind=modle: allowed: model, loss; did you mean 'model'?"),
        (["model", "a", "b"], "two words are needed"),
        (["model", "My-Model"], "a name of small letters, digits and '_'"),
        (["model", "../mine"], "a name of small letters, digits and '_'"),
        (["model", "7th"], "a name of small letters, digits and '_'"),
        (["model", "class"], "a name of small letters, digits and '_'"),
        (["model", "m" * 41], "a name of small letters, digits and '_'"),
        (["model", "dense_ae"], "is one of hepad's own (model=dense_ae)"),
        (["loss", "huber"], "is one of hepad's own (loss=huber)"),
        (["model", "batch"], "its class would be Batch, which it needs itself"),
        (["loss", "true"], "loss 'true' means something else on a command line"),
        (["loss", "false"], "loss 'false' means something else"),
        (["loss", "none"], "loss 'none' means something else"),
        (["model", "off"], "model 'off' means something else"),
        *(
            (["loss", name], "in the test to be written")
            for name in ("torch", "np", "run", "sys", "pytest", "loss", "x")
        ),
        (["model", "load_run"], "in the test to be written"),
        (["model", "mine", f"package={'a' * 300}"], "File name too long; choose another directory"),
        (["model", "mine", "package=no/where"], "make it first"),
        (["model", "mine", "package=file"], "is a file"),
        (["model", "mine", "package=numpy"], "a package 'numpy' is installed already"),
        (["model", "mine", "package=tests"], "'tests' means something else to Python"),
        (["model", "mine", "package=3d"], "'3d' cannot name a package of Python"),
        (["model", "mine", "package=broken"], "pyproject.toml: "),
        (["model", "mine", "package=empty"], "holds no package; the one that its pyproject.toml names is needed"),
        (["model", "mine", "package=several"], "holds several packages: a, b;"),
        (["model", "mine", "package=hepads"], "is hepad itself"),
        (["model", "mine", "pakage=x"], "did you mean 'package'?"),
    ],
)
def test_a_wrong_word_is_one_line_and_nothing_is_written(tmp_path, words, said):
    (tmp_path / "file").touch()
    projects = {"broken": "[project", "empty": "[project]\nname = 3\n", "several": "", "hepads": "project.name='hepad'"}
    for project, text in projects.items():
        (tmp_path / project).mkdir()
        (tmp_path / project / "pyproject.toml").write_text(text)
    for name in ("a", "b", "tests"):
        (tmp_path / "several" / name).mkdir()
        (tmp_path / "several" / name / "__init__.py").touch()
    before = sorted(tmp_path.rglob("*"))
    done = call(new.main, tmp_path, *words)
    assert done.code == 2, done.out
    assert said in done.err
    assert done.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "there", ["src/my_lab/mine.py", "src/my_lab/hepad_configs/model/mine.yaml", "tests/test_mine.py"]
)
def test_nothing_is_written_over(tmp_path, there):
    path = tmp_path / "my_lab" / there
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    done = call(new.main, tmp_path, "model", "mine", "package=my_lab")
    assert done.code == 2
    assert f"{there} is there already, and nothing was written" in done.err
    assert files_below(tmp_path) == [f"my_lab/{there}"]
    assert path.read_text() == "precious"


def test_a_file_that_cannot_be_written_leaves_none(tmp_path, monkeypatch):
    def full(path, content):
        if path.name == "test_mine.py":
            raise OSError(28, "No space left on device", str(path))
        path.write_text(content)

    monkeypatch.setattr("hepad.templates.part.atomic_write_text", full)
    done = call(new.main, tmp_path, "model", "mine", "package=my_lab")
    assert (done.code, list(tmp_path.iterdir())) == (1, [])
    assert "No space left on device; nothing is left of it" in done.err
