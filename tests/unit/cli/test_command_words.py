"""Words of a command line: flags between them, search paths, names and values that Hydra would take apart."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from hepad.cli.words import quote_values, read_command_line
from hepad.config import compose, quoted
from hepad.core.errors import UserError


def read(*words, multirun=False, command="train"):
    """The values that Hydra finds in words, key → value."""
    overrides = OverridesParser.create().parse_overrides(quote_values(words, command, multirun))
    return {override.key_or_group: override.value() for override in overrides}


@pytest.mark.parametrize(
    "path",
    [
        "a b.h5",
        "c=d.h5",
        "e (1).h5",
        "f,g.h5",
        "[h].h5",
        "{i}.h5",
        "it's.h5",
        'a"b.h5',
        "ü.h5",
        "~/j.h5",
        "k\\",
        "2018",
    ],
)
@pytest.mark.parametrize("name", ["mine", "2018D", "Zprime_m3.5"])
def test_any_path_is_the_path_of_a_sample(path, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if not path.startswith("~"):
        (tmp_path / path).write_bytes(b"")
    found = read(f"data.samples.{name}={path}")
    samples = found.get("data.samples", {name: found.get(f"data.samples.{name}")})
    assert samples == {name: path}


def test_a_mapping_of_samples_stands_for_one_word_for_each():
    assert quote_values(["data.samples={jet_ht:null,mine:'a b.h5'}"], "train", False) == [
        "++data.samples.jet_ht=null",
        "++data.samples.mine='a b.h5'",
    ]
    with pytest.raises(UserError, match="1 to 64 letters, digits"):
        quote_values(["data.samples={a b:x.h5}"], "train", False)


def test_names_with_dots_and_digits_stand_beside_others():
    words = ["data.samples.2018D=a.h5", "data.samples.mine=b.h5", "data.samples.Zprime_m3.5=null", "seed=3"]
    assert read(*words) == {
        "data.samples.mine": "b.h5",
        "seed": 3,
        "data.samples": {"2018D": "a.h5", "Zprime_m3.5": None},
    }


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("data.background=2018", "2018"),
        ("data.background=true", "true"),
        ("logger.wandb.notes=lr=1e-3 (again), with [two]", "lr=1e-3 (again), with [two]"),
        ("logger.wandb.name=null", None),
        ("logger.wandb.name='null'", "null"),
        ("logger.csv.version=3", 3),
        ("model.teacher=runs/a (1)", "runs/a (1)"),
        ("hydra.run.dir=runs/a b=c", "runs/a b=c"),
        ("data.limit=10", 10),
        ("data.features=[pt,eta]", ["pt", "eta"]),
        ("trainer.max_time=00:01:00:00", "00:01:00:00"),
    ],
)
def test_a_value_is_what_was_meant(word, value):
    assert list(read(word).values()) == [value]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("seed=a=b", "quoted for the shell: 'seed=\"a=b\"'"),
        ("evaluation.references=[a=b,c]", '\'evaluation.references=["a=b","c"]\''),
        ("data.samples.x=a.h5,b.h5", "one is needed, not a list; [a.h5,b.h5] joins them, or one run for each: -m data"),
        ("data.samples.../../e=x.h5", "data.samples.../../e=x.h5: sample '../../e', such as _.._e-"),
        ("data.samples.a b=x.h5", "1 to 64 letters, digits"),
        ("data.samples.1.5=x.h5", "reads as a number"),
    ],
)
def test_what_cannot_work_is_named_with_how_to_write_it(word, said):
    with pytest.raises(UserError) as refused:
        quote_values([word], "train", False)
    assert said in str(refused.value)
    assert "++" not in str(refused.value)


def test_a_sweep_over_files_stays_a_sweep():
    assert quote_values(["data.samples.x=a.h5,b.h5"], "train", True) == ["++data.samples.x=a.h5,b.h5"]


def test_regions_may_have_any_name():
    words = [
        "data.regions={sr:{m_jj:[1,2]}}",
        "data.regions.sb.m_jj=[[null,1],[2,null]]",
        "data.regions.sr.pt=[20,null]",
    ]
    assert quote_values(words, "train", False) == [f"++{word}" for word in words]
    cfg = compose("train", quote_values(words, "train", False))
    assert cfg.data.regions == {"sr": {"m_jj": [1, 2], "pt": [20, None]}, "sb": {"m_jj": [[None, 1], [2, None]]}}
    # No other command sets them.
    assert quote_values(words[:1], "evaluate", False) == words[:1]


def test_quoting_twice_changes_nothing():
    words = [
        "data.regions.sr.m_jj=[1,2]",
        "data.samples.2018D=a b=c.h5",
        "data.samples.x=d,e",
        "logger.wandb.notes=a=b",
        "seed=1",
    ]
    once = quote_values(words, "train", True)
    assert quote_values(once, "train", True) == once


@pytest.mark.parametrize("text", ["", "a", "it's", "\\", "a\\'b", "''", '"', "\\\\'", "a b\\"])
def test_a_quoted_text_is_read_back(text):
    assert OverridesParser.create().parse_override(f"x={quoted(text)}").value() == text


def test_flags_may_stand_anywhere(tmp_path):
    line = read_command_line(["seed=1", "-m", "loss=mse,mae", "--config-dir", str(tmp_path), "--cfg", "job", "a=b"])
    assert line.flags == ("-m", "--cfg", "job")
    assert line.words == ("seed=1", "loss=mse,mae", "a=b")
    assert line.searchpath == (f"file://{tmp_path}",)
    assert line.multirun


@pytest.mark.parametrize(
    "words", [["--config-dir", "nowhere"], ["-cd=nowhere"], ["--config-dir"], ["hydra.searchpath=3"]]
)
def test_a_search_path_leads_to_directories(words):
    with pytest.raises(UserError, match=r"no such directory|list of directories"):
        read_command_line(words)
