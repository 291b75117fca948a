"""`python -m hepad.dashboard`: the view of a project, checked against what a run really logged."""

import importlib.util
import json

import pytest

from hepad import dashboard, train
from tests.runs.conftest import call, two_samples
from tests.runs.wandb_records import entries, records, summary


@pytest.fixture
def run_dashboard(tmp_path):
    return lambda *words: call(dashboard.main, tmp_path, *words)


@pytest.fixture
def logged_in(monkeypatch):
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)


def test_every_name_of_the_view_is_in_the_record_of_a_run(run, run_dashboard, tmp_path):
    done = run_dashboard(f"run={run}", "project=jets")
    assert done.code == 0, done.err
    assert "wandb login" in done.out
    view = json.loads((tmp_path / "dashboard.json").read_text())
    from hepad.logging.dashboard import names_in

    (record,) = records(run)
    found = summary(record)
    assert names_in(view) <= set(found["summary"])
    assert names_in(view) >= {
        "test/auc/signal_vs_background",
        "roc/vs_background_table",
        "correlation/spearman_table",
        "val/loss",
        "plots/score_distributions",
        "epoch",
    }
    # The columns of the table of runs name keys of the logged config.
    (runs,) = view["section"]["runSets"]
    for column in (column for column in runs["runFeed"]["columnOrder"] if column.startswith("config:")):
        first, _, *rest = column.removeprefix("config:").split(".")
        node = found["config"][first]
        for key in rest:
            node = node[key]
        assert node is not None


def test_charts_of_the_view_are_those_that_runs_draw(run, run_dashboard, tmp_path):
    assert run_dashboard(f"run={run}").code == 0
    view = json.loads((tmp_path / "dashboard.json").read_text())
    panels = [panel["config"] for part in view["section"]["panelBankConfig"]["sections"] for panel in part["panels"]]
    drawn = {panel["stringSettings"]["title"].split()[0]: panel for panel in panels if "panelDefId" in panel}
    (record,) = records(run)
    logged = {
        panel["panel_config"]["stringSettings"]["title"].split()[0]: panel["panel_config"]
        for entry in entries(record, "config")
        for name, panel in entry.get("update", {}).items()
        if name.startswith("_wandb.visualize.")
    }
    assert set(drawn) == set(logged) == {"ROC", "Rate", "Spearman", "Pearson"}
    for title, panel in drawn.items():
        assert panel["panelDefId"] == logged[title]["panelDefId"]
        assert panel["fieldSettings"] == logged[title]["fieldSettings"]
        assert panel["transform"] == logged[title]["transform"]
        ours, theirs = (
            {field["name"] for field in chart["userQuery"]["queryFields"][0]["fields"]}
            for chart in (panel, logged[title])
        )
        assert ours == theirs


def test_a_report_as_code_has_the_panels_of_the_view(run, run_dashboard, tmp_path):
    done = run_dashboard(f"run={run}", "project=jets", "report=report.json")
    assert done.code == 0, done.err
    view, report = (json.loads((tmp_path / name).read_text()) for name in ("dashboard.json", "report.json"))
    sections = view["section"]["panelBankConfig"]["sections"]
    grids = [block["metadata"] for block in report["blocks"] if block["type"] == "panel-grid"]
    headings = [block["children"][0]["text"] for block in report["blocks"] if block["type"] == "heading"]
    assert headings == [section["name"] for section in sections]
    for section, grid in zip(sections, grids, strict=True):
        kinds = [panel["viewType"] for panel in grid["panelBankSectionConfig"]["panels"]]
        assert kinds == [panel["viewType"] for panel in section["panels"]]
        assert [runs["name"] for runs in grid["runSets"]] == ["Runs"]


def test_the_view_has_cost_threshold_and_rate(run, run_dashboard, tmp_path):
    assert run_dashboard(f"run={run}").code == 0
    view = json.loads((tmp_path / "dashboard.json").read_text())
    panels = [panel for part in view["section"]["panelBankConfig"]["sections"] for panel in part["panels"]]
    axes = {
        (panel["config"]["xAxis"], panel["config"]["yAxis"]) for panel in panels if panel["viewType"] == "Scatter Plot"
    }
    auc, headline = "summary:test/auc/signal_vs_background", "summary:test/verdict/vs_background/mean_difference"
    costs = ("summary:parameters", "summary:seconds/train", "summary:seconds/score")
    assert axes == {(cost, metric) for cost in costs for metric in (auc, headline)}
    from hepad.logging.dashboard import names_in

    assert {"rate/background_table", "parameters", "seconds/score"} <= names_in(view)


def test_logged_in_the_view_is_saved(run_dashboard, logged_in, monkeypatch):
    import wandb_workspaces.workspaces as ws

    saved = []
    monkeypatch.setattr(ws.Workspace, "save", lambda self: saved.append(self))
    monkeypatch.setattr(ws.Workspace, "url", property(lambda self: f"https://example.org/{self.entity}/{self.project}"))
    done = run_dashboard("entity=cms", "project=jets", "name=trigger")
    assert "https://example.org/cms/jets" in done.out
    assert [(view.entity, view.project, view.name) for view in saved] == [("cms", "jets", "trigger")]


def test_a_server_that_refuses_leaves_the_file(run_dashboard, logged_in, monkeypatch, tmp_path):
    import wandb
    import wandb_workspaces.workspaces as ws

    def refuse(self):
        raise wandb.errors.CommError("no such project")

    monkeypatch.setattr(ws.Workspace, "save", refuse)
    done = run_dashboard("entity=cms")
    assert done.code == 0
    assert "no such project" in done.out
    assert (tmp_path / "dashboard.json").is_file()
    done = run_dashboard("entity=cms", "mode=online")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "no such project" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mode=online"], "wandb login"),
        (["mode=never"], "auto, online, offline"),
        (["references=[]"], "references=[]: a list of one or more names"),
        (["signals=[zero_bias]"], "at least one reference"),
        (["run=nowhere"], "nowhere is not a run: it has no config.yaml"),
        (["output=nowhere/view.json"], "cannot be written"),
    ],
)
def test_wrong_input(run_dashboard, tmp_path, monkeypatch, words, said):
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    done = run_dashboard(*words)
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert said in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("word", "missing"),
    [
        ("curves=[val/los]", "val/los;"),
        ("signals=[nope]", "test/auc/nope_vs_background, test/sic_max/nope_vs_background;"),
        (
            "references=[nope]",
            "rate/nope_table, roc/vs_nope_table, test/auc/signal_vs_nope, test/sic_max/signal_vs_nope, test/verdict/",
        ),
    ],
)
def test_a_name_that_the_run_did_not_log(run, run_dashboard, tmp_path, word, missing):
    done = run_dashboard(f"run={run}", word)
    assert done.code == 2
    assert f"did not log {missing}" in done.err
    assert not list(tmp_path.iterdir())


def test_a_run_of_another_kind_has_curves_of_its_own(run_dashboard, tmp_path):
    words = [
        "model=gan",
        "data=events",
        "logger=none",
        "trainer.max_epochs=2",
        "evaluation.plots=false",
        "hydra.run.dir=gan",
    ]
    assert call(train.main, tmp_path, *two_samples(tmp_path), *words).code == 0
    done = run_dashboard("run=gan")
    assert done.code == 0, done.err
    from hepad.logging.dashboard import names_in

    names = names_in(json.loads((tmp_path / "dashboard.json").read_text()))
    assert {"val/loss", "train/loss_generator", "val/coverage"} <= names
    assert not {"train/loss", "val/mae", "plots/score_distributions"} & names


def test_without_the_library_one_line_says_how_to_get_it(run_dashboard, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "wandb_workspaces" else find(name))
    assert 'pip install "hepad[dashboard]"' in run_dashboard().err
