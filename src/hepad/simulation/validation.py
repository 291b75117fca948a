"""Checks of simulated samples against what is known of real ones: tables and a set of plots."""

from collections.abc import Mapping
from pathlib import Path

from hepad.simulation.dijet_validation import validate_dijets
from hepad.simulation.fat_jet_validation import validate_fat_jets
from hepad.simulation.processes import PROCESSES
from hepad.simulation.shower_validation import validate_showers
from hepad.simulation.validation_plots import draw_all
from hepad.simulation.validation_samples import flavour_table, jets_per_event_table, read_sample


def validate(files: Mapping[str, Path], directory: Path) -> list[Path]:
    """Draw the validation plots of `files` in `directory`, print the tables, and return what was written."""
    fat_jets = {sample: path for sample, path in files.items() if PROCESSES[sample].fat_jets}
    dijets = {sample: path for sample, path in files.items() if PROCESSES[sample].dijets}
    showers = {sample: path for sample, path in files.items() if PROCESSES[sample].shower}
    others = {*fat_jets, *dijets, *showers}
    events = {sample: path for sample, path in files.items() if sample not in others}
    written = _validate_events(events, directory) if events else []
    written += validate_fat_jets(fat_jets, directory) if fat_jets else []
    written += validate_dijets(dijets, directory) if dijets else []
    return written + (validate_showers(showers, directory) if showers else [])


def _validate_events(files: Mapping[str, Path], directory: Path) -> list[Path]:
    samples = [read_sample(path) for path in files.values()]
    directory.mkdir(parents=True, exist_ok=True)
    tables = {"jets_per_event.txt": jets_per_event_table(samples), "flavour.txt": flavour_table(samples)}
    for name, table in tables.items():
        print(table)
        (directory / name).write_text(table + "\n")
    figures = draw_all(samples, directory)
    print(f"{len(figures)} validation plots in {directory}")
    return [*(directory / name for name in tables), *figures]
