"""Make hepad-models/: `python -m scripts.pretrained [NAME …]`.

Trains what has no run yet (one thread, one after the other), packs each run into its folder, evaluates the folder again
and compares all scores and metrics bit for bit, writes the cards, `index.json`, hepad-models/README.md and the table of
docs/pretrained.md. `--cards` writes texts alone.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from scripts.pretrained.cards import card, overview
from scripts.pretrained.facts import CARD, Facts, line_of
from scripts.pretrained.packing import REFERENCE_ENTRIES, pack, write_json
from scripts.pretrained.shipped import SHIPPED, Shipped
from scripts.pretrained.verifying import verify

from hepad.core.files import atomic_write_text, file_sha256
from hepad.rundir.facts import read_provenance
from hepad.rundir.pretrained import directory_name

ROOT: Final = Path(__file__).parents[2]
HOME: Final = ROOT / "hepad-models"
PAGE: Final = ROOT / "docs" / "pretrained.md"
_OVERVIEW: Final = """\
# Pretrained scorers of hepad

Folders of finished runs, small enough to ship: `hepad.load_pretrained(NAME)`, `run=pretrained:NAME`
(docs/pretrained.md). AUC: of the signal where a scorer is ahead of the best trivial score by most. Better than the best
trivial score: on how many signals, in brackets on how many significantly. Made by `python -m scripts.pretrained`.
"""


def main() -> None:
    """Train, pack, verify, and write texts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(one.name for one in SHIPPED))
    parser.add_argument("--runs", type=Path, default=ROOT / "build" / "pretrained", help="where they are trained")
    parser.add_argument("--cards", action="store_true", help="texts alone; train and pack nothing")
    options = parser.parse_args()
    if unknown := set(options.names) - {one.name for one in SHIPPED}:
        parser.error(f"no scorer {min(unknown)!r}")
    for one in SHIPPED:
        if not options.cards and (not options.names or one.name in options.names):
            make(one, options.runs / one.name)
    write_texts()


def make(shipped: Shipped, run_dir: Path) -> None:
    """Train a scorer unless its run is finished, and make its folder."""
    if not (run_dir / "metrics.json").is_file():
        train(shipped, run_dir)
    folder = HOME / directory_name(shipped.name)
    pack(run_dir, folder, shipped)
    verified = verify(run_dir, folder)
    facts = read_provenance(folder)
    facts["pretrained"] |= {"reference_entries": REFERENCE_ENTRIES, "verified": verified}
    write_json(folder / "provenance.json", facts)
    print(f"{shipped.name}: {verified['scores']:,} scores and {verified['metrics']:,} metrics equal", flush=True)


def train(shipped: Shipped, run_dir: Path) -> None:
    """Train a scorer in a process of its own; raise `CalledProcessError` where it fails."""
    began = time.monotonic()
    words = [*shipped.words.split(), "logger=none", f"hydra.run.dir={run_dir}"]
    command = [sys.executable, "-m", "hepad.train", *words]
    subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True, stdout=subprocess.DEVNULL)
    print(f"{shipped.name}: trained in {time.monotonic() - began:.0f} s", flush=True)


def write_texts() -> None:
    """Write the cards, the index and the tables, of the folders that are there."""
    made = [one for one in SHIPPED if (HOME / directory_name(one.name) / "config.yaml").is_file()]
    facts = [Facts(HOME / directory_name(one.name), one) for one in made]
    index = {}
    for one in facts:
        if strange := one.unknown_samples():
            raise SystemExit(f"{one.shipped.name}: {', '.join(strange)} is another file now; train it again")
        atomic_write_text(one.folder / CARD, card(one))
        sha256 = file_sha256(one.folder / "checkpoints" / "best.ckpt")
        index[one.shipped.name] = {"line": line_of(one), "checkpoint_sha256": sha256}
    write_json(HOME / "index.json", index)
    atomic_write_text(HOME / CARD, f"{_OVERVIEW}\n{overview(facts, linked=True)}\n")
    write_page(facts)
    total = sum(path.stat().st_size for path in HOME.rglob("*") if path.is_file())
    print(f"{len(facts)} scorers, {total:,} bytes in {HOME.relative_to(ROOT)}")


def write_page(facts: list[Facts]) -> None:
    """Write the table of all scorers, and the list of their cards, into docs/pretrained.md."""
    text = PAGE.read_text(encoding="utf-8")
    cards = "\n".join(f"pretrained/{one.folder.name}/card" for one in facts)
    for name, made in (
        ("scorers", overview(facts, linked=False)),
        ("cards", f"```{{toctree}}\n:maxdepth: 1\n\n{cards}\n```"),
    ):
        before, begin, rest = text.partition(f"<!-- {name} -->")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        if not (begin and end):
            raise SystemExit(f"{PAGE} has no place for {name}: <!-- {name} --> and <!-- end of {name} -->")
        text = f"{before}{begin}\n\n{made}\n\n{end}{after}"
    atomic_write_text(PAGE, text)


if __name__ == "__main__":
    main()
