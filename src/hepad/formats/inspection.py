"""Inspection of a file: its format, columns with shapes and units, samples and labels, and the command that uses it."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from hepad.config import config_dir
from hepad.core.errors import UserError
from hepad.core.hdf5 import text_attribute
from hepad.core.names import file_name, python_command
from hepad.formats.direct import DIRECT
from hepad.formats.generic import OWN, generic_preset
from hepad.formats.hdf5_source import Hdf5Source
from hepad.formats.preset import Preset
from hepad.formats.recognising import open_recognised
from hepad.formats.resolving import resolve
from hepad.formats.source import Source

_MOST_COLUMNS: Final = 60
_TRUTH: Final = "label"


@dataclass(frozen=True)
class Inspected:
    """Facts about a file.

    Attributes:
        path: the file.
        format: in words.
        columns: name → shape, type and unit, in words.
        facts: what else is known, such as the sample, the version, labels and what the format has and the file lacks.
        command: that uses it; empty where none is known.
        advice: what to do where none is.
    """

    path: Path
    format: str
    columns: Mapping[str, str]
    facts: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    advice: str = ""

    def lines(self) -> Iterator[str]:
        """Yield the lines that are shown."""
        yield f"{self.path}: {self.format}"
        for name, said in self.facts.items():
            yield f"  {name + ':':<12} {said}"
        shown = list(self.columns.items())[:_MOST_COLUMNS]
        width = min(max((len(name) for name, _ in shown), default=0), 40)
        yield from (f"    {name:<{width}}  {said}" for name, said in shown)
        if more := len(self.columns) - len(shown):
            yield f"    … and {more} more"
        if self.command:
            yield f"use it: {self.command}"
        if self.advice:
            yield self.advice


def inspect_file(path: Path) -> Inspected:
    """Return what a file is.

    Args:
        path: of any format that hepad reads.

    Raises:
        UserError: it cannot be read.

    >>> from hepad.bundled import bundled_files
    >>> from hepad.formats import inspect_file
    >>> inspect_file(bundled_files()["ttbar"]).format
    'HDF5 file of hepad'
    """
    source, preset = open_recognised(path)
    with source:
        own = _own_words(source)
        if own and (preset is None or preset.name == "cicada"):
            return _own(source, own)
        if preset is not None:
            return _known(source, preset)
        return _unknown(source)


def _own_words(source: Source) -> str:
    """Return the words of a training that reads an HDF5 file as it is; empty where none does."""
    if not isinstance(source, Hdf5Source):
        return ""
    return next((words for name, words in OWN.items() if name in source.columns), "")


def _own(source: Source, words: str) -> Inspected:
    assert isinstance(source, Hdf5Source)
    facts = {
        name: said
        for name, key in (
            ("sample", "sample"),
            ("made of", "source"),
            ("format", "format"),
            ("version", "hepad_version"),
        )
        if (said := text_attribute(source.file, key))
    }
    sample = file_name(facts.get("sample") or source.path.stem)
    columns = {
        name: column.described for name, column in source.columns.items() if ":" not in name and _is_whole(source, name)
    }
    for name in columns:
        if names := source.axis_names(name):
            columns[name] += f": {', '.join(names[:_MOST_COLUMNS])}"
    return Inspected(
        source.path, "HDF5 file of hepad", columns, facts | _labels(source), _training(words, sample, source.path)
    )


def _is_whole(source: Source, name: str) -> bool:
    return ":" not in name and not any(column.endswith(f":{name}") for column in source.columns)


def _known(source: Source, preset: Preset) -> Inspected:
    plan = resolve(preset, source)
    units = _units(preset)
    facts = {"preset": preset.name}
    if version := _version(source, preset):
        facts["version"] = version
    facts["entries"] = f"{source.n_rows(plan.sources):,} {'events' if preset.of is None else 'events of objects'}"
    if lacking := dict.fromkeys(name for place, name in plan.lacking.items() if not place.startswith("rows.")):
        facts["lacks"] = ", ".join(lacking)
    columns = {name: f"{source.columns[name].described}{units.get(name, '')}" for name in plan.sources}
    others = len(source.columns) - len(columns)
    if others > 0:
        facts["others"] = f"{others:,} columns that the preset does not read"
    command = _as_published(source.path, preset) or _conversion(source.path)
    return Inspected(source.path, f"{preset.title} ({source.kind})", columns, facts | _labels(source), command)


def _unknown(source: Source) -> Inspected:
    preset = generic_preset(source)
    columns = {name: column.described for name, column in source.columns.items() if ":" not in name}
    facts = _labels(source)
    name = file_name(source.path.stem)
    if preset is not None and source.reader in (*DIRECT, "hdf5") and preset.tables:
        command = _training("model=dense_ae data=table", name, source.path)
        return Inspected(source.path, source.kind, columns, facts, command)
    if preset is not None:
        command = _conversion(source.path)
        return Inspected(source.path, source.kind, columns, facts, command)
    advice = (
        "no command reads this as it is; write a YAML of the columns you want "
        '(docs/data_formats.md, "A preset of your own")'
    )
    return Inspected(source.path, source.kind, columns, facts, advice=advice)


def _training(words: str, sample: str, path: Path) -> str:
    file = shlex.quote(f"data.samples.{sample}={path}")
    return f"{python_command()} -m hepad.train {words} data.bundled=false data.background={sample} {file}"


def _as_published(path: Path, preset: Preset) -> str:
    """Return the training on a file as it is; empty where no data config of a public set reads its format."""
    configs = sorted((config_dir() / "data").glob("*.yaml"))
    lines = [re.compile(text, re.MULTILINE) for text in (rf"^format: {re.escape(preset.name)}\b", r"^bundled: false\b")]
    texts = {config.stem: config.read_text(encoding="utf-8") for config in configs}
    read = (name for name, text in texts.items() if all(line.search(text) for line in lines))
    if (data := next(read, None)) is None:
        return ""
    model = next((word for word in preset.use.split() if word.startswith("model=")), "")
    file = shlex.quote(f"data.samples.background={path}")
    return f"{python_command()} -m hepad.train {model} data={data} {file}"


def _conversion(path: Path) -> str:
    file = shlex.quote(f"input={path}")
    # Beside an HDF5 file, what is made of it needs another name.
    end = "_hepad.h5" if path.suffix == ".h5" else ".h5"
    return f"{python_command()} -m hepad.convert {file} output={file_name(path.stem)}{end}"


def _labels(source: Source) -> dict[str, str]:
    """Return how many rows are signal, where a column `label` says it."""
    column = source.columns.get(_TRUTH)
    if column is None or column.shape != ():
        return {}
    try:
        values, numbers = np.unique(source.read([_TRUTH], 0, column.rows)[_TRUTH], return_counts=True)
    except UserError as error:
        return {"labels": str(error)}
    shown = [f"{number:,} of {value:g}" for value, number in zip(values.tolist(), numbers.tolist(), strict=True)]
    return {"labels": ", ".join(shown[:10])}


def _units(preset: Preset) -> dict[str, str]:
    """Return column of the file → its unit, where a preset takes a column as it is."""
    found = {}
    for columns in (*(objects.columns for objects in preset.sets.values()), *preset.tables.values()):
        for name, alternatives in columns.items():
            if name in preset.units:
                found.update(dict.fromkeys(alternatives, f" [{preset.units[name]}]"))
    return found


_NANOAOD_VERSIONS: Final = (
    ("Jet_btagUParTAK4B", "14 or 15 (UParT)"),
    ("Jet_btagPNetB", "12 or 13 (ParticleNet for AK4)"),
    ("Jet_btagDeepFlavCvB", "9 to 11 (DeepJet with CvB and CvL)"),
    ("Jet_btagDeepC", "5 to 8 (DeepCSV and DeepJet with C)"),
)
"""Branches that came with a version, the latest first (release notes of CMS NanoAOD)."""


def _version(source: Source, preset: Preset) -> str:
    if not preset.name.startswith("nanoaod"):
        return ""
    return next(
        (said for branch, said in _NANOAOD_VERSIONS if branch in source.columns), "unknown: no tagger that tells"
    )
