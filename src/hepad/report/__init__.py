"""One self-contained HTML page from figures and tables."""

from hepad.report.content import (
    Answer,
    Cell,
    Difference,
    Interval,
    Link,
    Named,
    Report,
    Section,
    Setting,
    Table,
    interval,
)
from hepad.report.headline import headline_table, matched_table
from hepad.report.page import render_report, write_report
from hepad.report.section_tables import correlation_table, working_point_table
from hepad.report.threshold_view import RocLines, SampleLine, ThresholdView
from hepad.report.winners import best_cells

__all__ = [
    "Answer",
    "Cell",
    "Difference",
    "Interval",
    "Link",
    "Named",
    "Report",
    "RocLines",
    "SampleLine",
    "Section",
    "Setting",
    "Table",
    "ThresholdView",
    "best_cells",
    "correlation_table",
    "headline_table",
    "interval",
    "matched_table",
    "render_report",
    "working_point_table",
    "write_report",
]
