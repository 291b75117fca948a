"""The tables of docs/performance.md, made of what the suite wrote: `python -m scripts.bench.page FILE.json …`.

A table stands between `<!-- bench DEVICE PART -->` and `<!-- /bench -->`, and `machine` in place of a part is what all
of them were measured with. What is not in the files stays as it is, and so does the prose around the tables.
"""

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from scripts.bench.table import markdown_table

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "performance.md"
_MARKED: Final = re.compile(r"(<!-- bench (\w+) (\w+) -->\n)(.*?)(<!-- /bench -->)", re.DOTALL)


def updated(page: str, found: Mapping[str, Any]) -> str:
    """Return a page with the tables of one run of the suite in their places."""

    def fill(match: re.Match[str]) -> str:
        begin, device, part, before, end = match.groups()
        if device != found["device"]:
            return match[0]
        if part == "machine":
            return f"{begin}{machine(found)}\n{end}"
        measured = found["parts"].get(part)
        if measured is None or measured["error"] or not measured["rows"]:
            return match[0]
        table, earlier = with_other_rows(markdown_table(measured["rows"]), before)
        return f"{begin}{table}\n\n{origin(found)}{earlier}\n{end}"

    return _MARKED.sub(fill, page)


def with_other_rows(table: str, before: str) -> tuple[str, str]:
    """Return a table with the rows of cases and ways that only the one of before has, and when those were measured.

    A run of a few models, or of one size of batches, leaves the others as they are. Tables of other columns are
    replaced whole.

    Args:
        table: the new one.
        before: what stood in its place.
    """
    head, lines = table.splitlines()[:2], table.splitlines()[2:]
    old = before.strip().splitlines()
    if old[:2] != head:
        return table, ""
    measured = {_key(line) for line in lines}
    kept = [line for line in old[2:] if line.startswith("|") and _key(line) not in measured]
    if not kept:
        return table, ""
    order = list(dict.fromkeys(_key(line) for line in (*old[2:], *lines) if line.startswith("|")))
    merged = sorted([*lines, *kept], key=lambda line: order.index(_key(line)))
    dates = " ".join(line.strip("*") for line in old if line.startswith("*"))
    return "\n".join([*head, *merged]), f" *(the other rows: {dates})*"


def _key(line: str) -> tuple[str, ...]:
    """The case and the way of a row."""
    return tuple(cell.strip() for cell in line.split("|")[1:3])


def machine(found: Mapping[str, Any]) -> str:
    """Return in a sentence what a run of the suite was measured with."""
    hardware = found["hardware"]
    where = f"{hardware['cores']} cores ({hardware['processor']}), {hardware['threads']} threads"
    if hardware["gpu"]:
        where = f"{hardware['gpu']}, {where}"
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return f"Measured on {where}; {versions}; medians of {found['rounds']} rounds unless a table says otherwise."


def origin(found: Mapping[str, Any]) -> str:
    """Return when a table was measured, and whether the machine had other work."""
    load, cores = found["hardware"]["load"], found["hardware"]["cores"]
    busy = f", busy machine (load {load} on {cores} cores when it began)" if load > cores / 4 else ""
    return f"*{found['date']}{busy}*"


def check(found: Any, path: Path) -> None:
    """Raise `SystemExit` where a file is not what the suite writes."""
    keys = {"schema", "date", "device", "hardware", "versions", "rounds", "parts"}
    if not isinstance(found, dict) or found.get("schema") != 1 or not keys <= set(found):
        raise SystemExit(f"{path} is not what `python -m scripts.bench` writes")


def main(argv: Sequence[str] | None = None) -> None:
    """Write the tables, and the figure of growth where it was measured."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.page", description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="what the suite wrote; a later one replaces an earlier one")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--pictures", type=Path, default=ROOT / "docs" / "pictures")
    options = parser.parse_args(argv)
    text = options.page.read_text(encoding="utf-8")
    for path in options.files:
        found = json.loads(path.read_text(encoding="utf-8"))
        check(found, path)
        text = updated(text, found)
        if found["parts"].get("growth", {}).get("rows"):
            # Drawing is slow to import.
            from scripts.bench.figure import draw_growth

            draw_growth(found["parts"]["growth"]["rows"], options.pictures / f"growth_{found['device']}.png")
    options.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
