"""Terminal output of a generator card."""

import shlex

from hepad.core.names import python_command
from hepad.generators import generator_verdict
from hepad.logging.loggers import offline_records
from hepad.report.terminal import console_table, print_to_terminal
from hepad.results.generator_tables import summary_table
from hepad.run.generator_card import CardResult


def print_card(result: CardResult) -> None:
    """Print the numbers beside their floor, the verdict, what is not given, and where the page is."""
    lines = [("verdict", sentence) for sentence in generator_verdict(result.card).sentences]
    lines += [("note", warning) for warning in result.warnings]
    lines += [("card", str(result.directory)), ("report", str(result.directory / "report.html"))]
    if records := offline_records(result.directory):
        lines.append(("upload", f"{python_command()} -m wandb sync {shlex.join(map(str, records))}"))
    table = summary_table(result.card)
    print_to_terminal([console_table(table, f"{result.card.n:,} generated entries against as many real ones")], lines)
