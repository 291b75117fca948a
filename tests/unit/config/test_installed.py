"""Options of installed packages, from metadata written by hand: what pip leaves behind is nothing else."""

import os
import sys

import pytest

from hepad.config import config_dirs
from hepad.config.allow_list import check_targets
from hepad.config.explanations import check_chosen, check_chosen_words
from hepad.config.installed import installed_options, installed_targets
from hepad.config.keys.check import check_section
from hepad.config.registry import get_class
from hepad.core.errors import UserError


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An empty directory for installed packages, on Python's path."""
    directory = tmp_path / "site"
    directory.mkdir()
    monkeypatch.setattr(sys, "path", [str(directory), *sys.path])
    installed_options.cache_clear()
    yield directory
    installed_options.cache_clear()
    for name in [name for name in sys.modules if name.startswith("lab_")]:
        del sys.modules[name]


def install(site, package="lab_a", entries="[hepad.models]\nmine = lab_a.mine:Mine\n", yaml="model/mine", code=""):
    """Write the package, its YAML and its metadata, as pip would."""
    metadata = site / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "entry_points.txt").write_text(entries)
    configs = site / package / "hepad_configs"
    configs.mkdir(parents=True)
    (site / package / "__init__.py").write_text("raise SystemExit('imported')" if not code else "")
    (site / package / "mine.py").write_text(code)
    if yaml:
        (configs / yaml).parent.mkdir()
        (configs / f"{yaml}.yaml").write_text(f"_target_: {package}.mine.Mine\n")
    installed_options.cache_clear()
    return configs


def test_an_option_is_found_and_may_be_built_and_nothing_of_its_package_is_imported(site):
    configs = install(site)
    (option,) = installed_targets("model").values()
    assert (option.name, option.target, option.package, option.problem) == ("mine", "lab_a.mine.Mine", "lab-a", "")
    assert installed_targets("loss") == {}
    assert configs in config_dirs()
    check_chosen({"model": "mine"})
    check_targets({"_target_": "lab_a.mine.Mine"})
    assert "lab_a" not in sys.modules


def test_only_the_exact_name_of_the_entry_point_may_be_built(site):
    install(site)
    with pytest.raises(UserError, match=r"not an entry point of lab-a; those are lab_a\.mine\.Mine; .*HEPAD_TRUST"):
        check_targets({"_target_": "lab_a.mine.Other"})
    with pytest.raises(UserError, match="is not one of hepad's"):
        check_targets({"_target_": "os.system"})


def test_a_loss_is_no_model(site):
    install(site, entries="[hepad.losses]\nmine = lab_a.mine:Mine\n", yaml="loss/mine")
    check_section("loss", {"_target_": "lab_a.mine.Mine"})
    with pytest.raises(UserError, match=r"model\._target_=lab_a\.mine\.Mine does not belong there"):
        check_section("model", {"_target_": "lab_a.mine.Mine"})


@pytest.mark.parametrize("word", ["model=mine", "model=dense_ae,mine"])
def test_two_packages_with_one_name_are_named(site, word):
    install(site)
    install(site, "lab_b", "[hepad.models]\nmine = lab_b.mine:Mine\n")
    with pytest.raises(UserError, match=r"model=mine: lab-a and lab-b both bring one of this name; .* pip uninstall"):
        check_chosen_words([word])
    check_chosen_words(["model=dense_ae", "loss=mine"])
    # A run of one of them says which it is.
    check_targets({"_target_": "lab_b.mine.Mine"})


def test_a_name_of_hepads_own_is_told_also_where_it_is_the_default(site):
    install(site, entries="[hepad.models]\ndense_ae = lab_a.mine:Mine\n", yaml="model/dense_ae")
    with pytest.raises(UserError, match=r"model=dense_ae: that is one of hepad's own, .* lab-a too; rename"):
        check_chosen({"model": "dense_ae", "data": "jets", "experiment": None})


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ("mine = lab_a.mine:Mine", r"lab-a declares it, but brings no .*/lab_a/hepad_configs/model/mine\.yaml; .*data"),
        ("mine = lab_gone.mine:Mine", r"declares it as lab_gone\.mine:Mine, but Python finds no package lab_gone"),
        ("mine = lab_a.mine", r"declares it as lab_a\.mine; module:Class is needed"),
        ("mine = lab_a.mine:Mine [extra]", "module:Class is needed"),
    ],
)
def test_an_entry_point_that_leads_nowhere_is_one_line_where_it_is_chosen(site, entries, said):
    install(site, entries=f"[hepad.models]\n{entries}\n", yaml="")
    with pytest.raises(UserError, match=f"^model=mine: .*{said}"):
        check_chosen({"model": "mine"})
    check_chosen({"model": "dense_ae"})


def test_the_yaml_in_a_directory_that_the_user_names_is_meant(site, tmp_path, monkeypatch):
    install(site, yaml="")
    (tmp_path / "own/model").mkdir(parents=True)
    (tmp_path / "own/model/mine.yaml").touch()
    monkeypatch.setattr("hepad.config.composing._command_searchpath", [(f"file://{tmp_path / 'own'}",)])
    check_chosen({"model": "mine"})


@pytest.mark.parametrize("code", ["import lab_nowhere", "1 / 0", "def ("])
def test_a_module_that_cannot_be_imported_is_one_line_that_names_its_package(site, code):
    install(site, code=code)
    with pytest.raises(
        UserError, match=r"cannot be imported \(.+\); it is the model mine of the .* lab-a; mend"
    ) as said:
        get_class("lab_a.mine.Mine")
    assert "\n" not in str(said.value)


def test_the_directory_where_python_was_started_adds_nothing(site, monkeypatch):
    """`python -m` puts it on the path, and it may be the directory of somebody's run."""
    install(site)
    monkeypatch.chdir(site)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for place in (str(site), "", os.curdir):
        monkeypatch.setattr(sys, "path", [place, *sys.path[1:]])
        installed_options.cache_clear()
        assert installed_options() == ()
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setattr(sys, "path", [str(site), *sys.path[1:]])
    installed_options.cache_clear()
    assert [option.name for option in installed_options()] == ["mine"]


def test_a_package_found_twice_counts_once_and_damaged_metadata_not_at_all(site):
    install(site)
    (site / "lab_a.egg-info").mkdir()
    (site / "lab_a.egg-info/entry_points.txt").write_text("[hepad.models]\nmine = lab_a.mine:Mine\n")
    for name, content in (("bytes", b"[hepad.models]\nx = \xff"), ("words", b"[hepad.models]\nno equals sign\n")):
        (site / f"lab_{name}-1.dist-info").mkdir()
        (site / f"lab_{name}-1.dist-info/entry_points.txt").write_bytes(content)
    (site / "lab_nothing-1.dist-info").mkdir()
    assert [option.name for option in installed_options()] == ["mine"]
