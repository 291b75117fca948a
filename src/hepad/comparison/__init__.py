"""Several runs side by side, read from their directories alone: no model is loaded, and no torch."""

from hepad.comparison.compare import Comparison, compare
from hepad.comparison.page import write_comparison
from hepad.rundir.record import RunRecord, find_runs, read_record

__all__ = ["Comparison", "RunRecord", "compare", "find_runs", "read_record", "write_comparison"]
