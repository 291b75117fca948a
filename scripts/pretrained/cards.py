"""Model cards: every number of a card is read from the files of its folder."""

import shlex
from collections.abc import Sequence
from typing import Any, Final

from scripts.pretrained.facts import Facts, table

from hepad.core.files import file_sha256
from hepad.metrics import trivial_title
from hepad.metrics.verdict import SIGNIFICANT, read_verdict, verdict_sentence
from hepad.rundir.pretrained import directory_name

_DATA: Final = {
    "jets": "single jets of pp collisions at 13 TeV",
    "events": "events of up to eight jets of pp collisions at 13 TeV",
    "calo": "images of 18 × 14 regions of the trigger's calorimeter",
    "jet_images": "images of 40 × 40 pixels of fat jets of 550 to 650 GeV",
    "constituents": "constituents of fat jets of 550 to 650 GeV",
    "dijets": "features of pairs of R = 1 jets",
}
_ENTRIES: Final = {"jets": "jets", "events": "events", "constituents": "jets", "calo": "images", "jet_images": "images"}

_METRICS: Final = """\
On entries that did not train, against `{background}`: AUC with its 68% interval, the best score that needs no model,
and by how much the scorer is ahead of it (DeLong, paired; significant: p < 0.01). {verdict}"""

_THRESHOLDS: Final = """\
Thresholds, chosen on the validation part and tested on the test part of the background. `hepad.score` writes them as
`accepted_NAME`, and `p_value` with the scores that they were chosen on, `calibration.h5`:"""

_LIMITS: Final = """\
- {limits}
- Trained on simulation that resembles CMS and is not CMS' own (docs/simulation.md): on data, or on other simulation,
  train again. Scores and thresholds do not carry over.
- One training. Seeds differ; docs/results.md has the spread of those that were trained three times.
- A score is no probability, and what is rare is not therefore new. No trigger or analysis should use it as it is."""

_CHECK: Final = """\
Evaluated again from this folder: all {scores:,} scores and all {metrics:,} numbers of `metrics.json` are those of the
training's own evaluation, to the last bit (same machine, {threads} thread). `hepad.load_pretrained` scores the
{reference_entries} entries of `reference.h5` and warns where they come out otherwise. Left out of the checkpoint:
{left_out}."""

_LICENCE: Final = """\
BSD 3-Clause, as hepad: weights, config and this card. The samples are hepad's own simulation, no experiment's data.
Cite hepad (CITATION.cff) and"""


def card(facts: Facts) -> str:
    """Return the text of a scorer's README.md."""
    shipped, provenance = facts.shipped, facts.provenance
    name = shipped.name
    packed = provenance["pretrained"]
    matched = [("At equal Σ pT (E_T for images), by weights (docs/metrics.md):"), _aucs(facts, matched=True)]
    parts = [
        _front_matter(facts),
        f"# {shipped.title}",
        f"`{name}` of hepad {provenance['hepad']}: anomaly scores of {_DATA[facts.data]}; higher is more anomalous.\n"
        "Written by `python -m scripts.pretrained`; every number is read from the files beside this card.",
        f'```python\nimport hepad\n\nrun = hepad.load_pretrained("{name}")\n'
        "run.entry_shape, run.metrics  # run.score(entries) takes raw units\n```",
        f"    hepad score run=pretrained:{name} input=FILE output=scores.h5",
        "## Intended use",
        f"{shipped.use} For studies, teaching and comparisons, and as a start for what is trained on data of your\n"
        f"own. The model and its settings: `{shipped.page}`.",
        "## Training",
        f"    OMP_NUM_THREADS={provenance['threads']} {_command(shipped.words)}",
        _training(facts),
        "The samples are simulated with hepad (docs/simulation.md) and ship with it:",
        _samples(provenance["data"]),
        "## Metrics",
        _METRICS.format(
            background=facts.background, verdict=verdict_sentence(facts.metrics, facts.background) or ""
        ).rstrip(),
        _aucs(facts, matched=False),
        *(matched if facts.pairs(matched=True) else []),
        _kept_signal(facts),
        _picture(facts),
        _thresholds(facts),
        "## Limits",
        _LIMITS.format(limits=shipped.limits),
        "## Check",
        _CHECK.format(
            **packed["verified"],
            reference_entries=packed["reference_entries"],
            left_out=", ".join(packed["left_out"]),
        ),
        "## Files",
        _files(facts),
        "## Licence and citation",
        _LICENCE + "\n\n" + "\n".join(f"- {paper}" for paper in shipped.citations),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _command(words: str) -> str:
    return " ".join(["python -m hepad.train", *(shlex.quote(word) for word in words.split())])


def _front_matter(facts: Facts) -> str:
    tags = ["anomaly-detection", "high-energy-physics", "particle-physics", str(facts.record.model), facts.data]
    lines = ["---", "license: bsd-3-clause", "library_name: hepad", "tags:", *(f"- {tag}" for tag in tags), "---"]
    return "\n".join(lines)


def _training(facts: Facts) -> str:
    known = facts.provenance
    entries = _ENTRIES.get(facts.data, "entries")
    versions = (f"{name} {version}" for name, version in known["packages"].items() if name != "wandb")
    trained = f"{known['trained']:,} {entries} trained, {known['validated']:,} chose the epoch"
    rows = [
        ("background", f"`{facts.background}`: {trained}"),
        ("loss", f"`{facts.record.loss}`" if facts.record.loss else "the model's own"),
        ("epochs", str(known["epochs"])),
        ("seed", str(known["seed"])),
        ("weights", f"{known['parameters']:,}" if known["parameters"] > 1 else "none; arrays that were fitted"),
        ("time", f"{known['seconds']['train']:.1f} s of {known['threads']} thread on a shared machine"),
        ("versions", ", ".join(versions)),
        ("revision", f"`{known['git_revision']}`"),
    ]
    return table(("training", ""), rows)


def _samples(data: dict[str, Any]) -> str:
    rows = [(f"`{sample}`", f"{known['tested']:,}", f"`{known['sha256']}`") for sample, known in data.items()]
    return table(("sample", "tested", "SHA-256 of the file"), rows)


def _aucs(facts: Facts, matched: bool) -> str:
    rows = []
    for pair in facts.pairs(matched):
        trivial = "" if pair.trivial is None else f"{pair.trivial_auc:.4f} {trivial_title(pair.trivial)}"
        beyond = pair.p_value is not None and pair.p_value < SIGNIFICANT
        ahead = "" if pair.difference is None else f"{pair.difference:+.4f}{', significant' if beyond else ''}"
        rows.append((f"`{pair.signal}`", f"{pair.auc:.4f}", f"[{pair.low:.4f}, {pair.high:.4f}]", trivial, ahead))
    return table(("signal", "AUC", "68% interval", "best trivial score", "ahead by"), rows)


def _kept_signal(facts: Facts) -> str:
    names = {pair.signal: f"test/tpr_at_fpr_1e-2/{pair.signal}_vs_{facts.background}" for pair in facts.pairs()}
    rows = [(f"`{s}`", f"{facts.metrics[name]:.4f}") for s, name in names.items() if name in facts.metrics]
    told = "Share of the signal that is kept where 1% of the background is:"
    return f"{told}\n\n{table(('signal', 'share'), rows)}" if rows else ""


def _picture(facts: Facts) -> str:
    name = f"plots/roc_vs_{facts.background}.png"
    return f"![ROC curves against {facts.background}]({name})" if (facts.folder / name).is_file() else ""


def _thresholds(facts: Facts) -> str:
    rows = [
        (
            f"`{name}`",
            f"{point['threshold']:.6g}",
            f"[{point['low']:.6g}, {point['high']:.6g}]",
            f"{point['chosen']['value']:.2%}",
            f"{point['tested']['value']:.2%}",
        )
        for name, point in facts.thresholds.items()
    ]
    header = ("name", "score above", "68% interval", "chosen on", "tested")
    return f"{_THRESHOLDS}\n\n{table(header, rows)}" if rows else ""


def _files(facts: Facts) -> str:
    rows = [
        (f"`{path.relative_to(facts.folder)}`", f"{path.stat().st_size:,}", f"`{file_sha256(path)}`")
        for path in facts.files
    ]
    return table(("file", "bytes", "SHA-256"), rows)


def overview(scorers: Sequence[Facts], linked: bool) -> str:
    """Return the table of all scorers, with links to the cards beside it, or without and narrower."""
    rows = []
    for facts in scorers:
        best, name = facts.headline, facts.shipped.name
        verdicts = [read_verdict(facts.metrics, facts.background, matched) for matched in (False, True)]
        rows.append(
            (
                f"[`{name}`]({directory_name(name)}/README.md)" if linked else f"`{name}`",
                *([facts.shipped.title] if linked else []),
                f"`{facts.background}`",
                f"`{best.signal}` {best.auc:.3f}",
                "" if best.trivial is None else f"{best.trivial_auc:.3f} {trivial_title(best.trivial)}",
                *("" if verdict is None else verdict.short for verdict in verdicts),
                facts.size,
            )
        )
    better = ("better", "at equal Σ pT")
    what = ("what",) if linked else ()
    return table(("name", *what, "background", "AUC", "best trivial score", *better, "size"), rows)
