"""One self-contained HTML page from figures and tables."""

from hepad.report.content import Cell, Difference, Interval, Link, Named, Report, Section, Setting, Table, interval
from hepad.report.headline import headline_table, matched_table
from hepad.report.page import render_report, write_report
from hepad.report.section_tables import correlation_table, working_point_table

__all__ = [
    "Cell",
    "Difference",
    "Interval",
    "Link",
    "Named",
    "Report",
    "Section",
    "Setting",
    "Table",
    "correlation_table",
    "headline_table",
    "interval",
    "matched_table",
    "render_report",
    "working_point_table",
    "write_report",
]
