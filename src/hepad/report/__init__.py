"""One self-contained HTML page from figures and tables."""

from hepad.report.content import Cell, Difference, Interval, Link, Named, Report, Section, Setting, Table
from hepad.report.headline import correlation_table, headline_table, matched_table, working_point_table
from hepad.report.page import render_report, write_report

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
    "matched_table",
    "render_report",
    "working_point_table",
    "write_report",
]
