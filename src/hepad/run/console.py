"""Terminal output of a finished run, and of a generator card."""

import shlex

from rich.table import Table as ConsoleTable

from hepad.core.names import python_command
from hepad.generators import generator_verdict
from hepad.logging.comet_tracker import comet_archives
from hepad.logging.loggers import offline_records
from hepad.metrics import Evaluation, pair_result
from hepad.report import Cell, Table
from hepad.report.headline import auc_cell, trivial_cell
from hepad.report.terminal import console_table, print_to_terminal
from hepad.results.generator_tables import summary_table
from hepad.results.run_page import verdict_sentences
from hepad.run.executing import TrainingResult
from hepad.run.generator_card import CardResult
from hepad.rundir.facts import left_out_words, read_provenance


def print_result(result: TrainingResult) -> None:
    """Print the AUC tables and the verdict where there is a signal, where the report is, how to upload the record."""
    found = result.evaluation
    tables = [auc_table(found), trivial_table(found)] if found.rocs else []
    lines = [("verdict", sentence) for sentence in verdict_sentences(found)]
    if not found.rocs:
        lines = [("no AUC:", "there is no signal to compare with")]
    lines += [("run", str(result.run_dir)), ("report", str(result.run_dir / "report.html"))]
    if found.warnings:
        lines.append(("notes", f"{len(found.warnings)}, at the top of the report"))
    if found.small_print:
        lines.append(("and", f"{len(found.small_print)} in its small print"))
    if told := left_out_words(read_provenance(result.run_dir)):
        lines.append(("left out", told))
    if records := offline_records(result.run_dir):
        # Several where the run was resumed: W&B joins them.
        lines.append(("upload", f"{python_command()} -m wandb sync {shlex.join(map(str, records))}"))
    if archives := comet_archives(result.run_dir):
        lines.append(("upload", f"comet upload {shlex.join(map(str, archives))}"))
    print_to_terminal(tables, lines)


def print_card(result: CardResult) -> None:
    """Print the numbers beside their floor, the verdict, what is not given, and where the page is."""
    lines = [("verdict", sentence) for sentence in generator_verdict(result.card).sentences]
    lines += [("note", warning) for warning in result.warnings]
    lines += [("card", str(result.directory)), ("report", str(result.directory / "report.html"))]
    if records := offline_records(result.directory):
        lines.append(("upload", f"{python_command()} -m wandb sync {shlex.join(map(str, records))}"))
    table = summary_table(result.card)
    print_to_terminal([console_table(table, f"{result.card.n:,} generated entries against as many real ones")], lines)


def auc_table(evaluation: Evaluation) -> ConsoleTable:
    """Return the model's AUC with its 68% interval for every signal (rows) against every reference (columns)."""
    references = list(dict.fromkeys(reference for _, reference in evaluation.rocs))
    rows: list[list[Cell]] = [
        [signal, *(_auc(evaluation, signal, reference) for reference in references)]
        for signal in dict.fromkeys(signal for signal, _ in evaluation.rocs)
    ]
    titles = ["Signal", *(f"vs {reference}" for reference in references)]
    return console_table(Table(titles, rows), "AUC with its 68% interval in brackets")


def trivial_table(evaluation: Evaluation) -> ConsoleTable:
    """Return the best score that needs no model for every signal against the first reference, by name.

    Beside it the model and the best trivial score at equal loudness, where any signal has them.
    """
    reference = evaluation.references[0]
    rows: list[list[Cell]] = []
    for signal in (signal for signal, r in evaluation.rocs if r == reference):
        found = (pair_result(evaluation.metrics, signal, reference, equal) for equal in (False, True))
        plain, matched = ([None, None] if pair is None else [auc_cell(pair), trivial_cell(pair)] for pair in found)
        rows.append([signal, plain[1], *matched])
    titles = ["Signal", "Best trivial", f"AUC at equal {evaluation.loudness}", "Best trivial"]
    if all(row[2] is None for row in rows):
        titles, rows = titles[:2], [row[:2] for row in rows]
    return console_table(Table(titles, rows), f"Best trivial score vs {reference}")


def _auc(evaluation: Evaluation, signal: str, reference: str) -> Cell:
    found = pair_result(evaluation.metrics, signal, reference)
    return None if found is None else auc_cell(found)
