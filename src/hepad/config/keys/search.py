"""Types and ranges of the keys of a resonant search."""

from typing import Final

from hepad.config.keys.compound import ListOf, optional
from hepad.config.keys.kinds import Flag, Kind, Name, Number, Text, Whole, Word
from hepad.config.keys.run import DATA_KEYS, DIRECTORY, LOGGER_KEYS, SEED

WORDS: Final = ListOf(Text(), 0, 1000, "words of hepad.train", "[model=trees,seed=1]")
KINDS: Final = ("cathode", "idealized", "supervised", "cwola", "anode", "r_anode", "lacathode", "score")

SEARCH_KEYS: Final[dict[str, Kind]] = {
    "resume": optional(DIRECTORY),
    "name": optional(Name()),
    "seed": SEED,
    "sample": optional(Name()),
    "extra": optional(Name()),
    "data_fraction": optional(Number(0, 1, open_low=True)),
    "injection.sample": optional(Name()),
    "injection.events": optional(Whole(0)),
    "injection.fraction": optional(Number(0, 10)),
    "injection.fractions": ListOf(Number(0, 10), 0, 100, "fractions", "[0.0,0.01,0.04]"),
    "injection.seeds": Whole(1, 1000),
    "unblind": Flag(),
    "null_twin": Word(("auto", "background", "shuffled", "none")),
    "scan.windows": Whole(1, 100),
    "scan.center": optional(Number()),
    "scan.width": optional(Number(0, open_low=True)),
    "scan.step": optional(Number(0, open_low=True)),
    "scan.range": optional(ListOf(Number(), 2, 2, "ends", "[2600,5600]")),
    "scan.unit": optional(Text("a unit, such as GeV", 20)),
    "scan.bins": Whole(1, 100),
    "folds": Whole(2, 50),
    "cuts": ListOf(Number(0, 1, open_low=True), 1, 20, "efficiencies above 0 and up to 1", "[1.0,0.01]"),
    "background": Word(("fit", "template")),
    "systematic": Number(0, 10),
    "fit.function": Text("the name of a family of functions, such as dijet"),
    "fit.sqrt_s": Number(0, open_low=True),
    "fit.test": Word(("f", "likelihood_ratio")),
    "toys": Whole(0, 1_000_000),
    "limits": Flag(),
    "words": WORDS,
    "methods.*.kind": Word(KINDS),
    "methods.*.density": WORDS,
    "methods.*.classifier": WORDS,
    "methods.*.oversample": Whole(1, 1000),
    "methods.*.cross_fit": Flag(),
    "methods.*.strips": Number(0, 100, open_low=True),
    "methods.*.fractions": ListOf(Number(0, 1, open_low=True, open_high=True), 0, 50, "fractions", "[0.01,0.03]"),
    "paths.root": DIRECTORY,
    "paths.run": DIRECTORY,
    **{f"data.{key}": kind for key, kind in DATA_KEYS.items()},
    **{f"logger.*.{key}": kind for key, kind in LOGGER_KEYS.items()},
}
