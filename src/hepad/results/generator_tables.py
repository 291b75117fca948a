"""The tables of a generator card: each number of generated entries beside its floor, real against real."""

from hepad.generators import GeneratorCard
from hepad.generators.card_metrics import SIGNIFICANT, differing_observables
from hepad.report import Cell, Table, interval

_NO_DIGITS = 1e-9
_NAMES = {"trees": "boosted trees", "mlp": "network"}


def summary_table(card: GeneratorCard) -> Table:
    """Numbers of entries as a whole."""
    rows: list[list[Cell]] = []

    def add(title: str, right: str, generated: Cell, floor: Cell, p_value: Cell = None) -> None:
        rows.append([title, generated, floor, right, p_value])

    for kind, tests in card.classifiers.items():
        aucs, divergences = [
            [_with_error(getattr(tests[side], what), getattr(tests[side], f"{what}_error")) for side in tests]
            for what in ("auc", "jsd")
        ]
        if "generated" in tests:
            floor = "floor" in tests
            add(f"AUC, {_NAMES[kind]}", "0.5", aucs[0], aucs[1] if floor else None)
            add(f"JSD, {_NAMES[kind]} [bits]", "0", divergences[0], divergences[1] if floor else None)
    for title, found in (("Fréchet distance × 10³", card.frechet), ("Kernel distance × 10³", card.kernel)):
        if "generated" in found:
            cells = {side: _with_error(1e3 * d.value, 1e3 * d.error) for side, d in found.items()}
            add(title, "0", cells["generated"], cells.get("floor"), found["generated"].p_value)
    near = card.coverage
    if "generated" in near:
        for name, place in (("precision", 0), ("recall", 1), ("density", 2), ("coverage", 3)):
            cells = {side: _with_error(getattr(c, name), c.errors[place]) for side, c in near.items()}
            add(name.capitalize(), "as the floor", cells["generated"], cells.get("floor"))
    if "generated" in card.correlations:
        for name, title in (
            ("rms", "Rank correlations, RMS difference"),
            ("largest", "Rank correlations, largest difference"),
        ):
            values = {side: getattr(c, name) for side, c in card.correlations.items()}
            add(title, "as the floor", values["generated"], values.get("floor"))
    if "generated" in card.memorisation:
        copied = card.memorisation
        aucs = [_with_error(m.auc, m.auc_error) for m in copied.values()]
        add("Nearer to training than held-out, AUC", "0.5", aucs[0], aucs[1] if len(aucs) > 1 else None)
        for what, title, right in (("close", "Nearer than 99% of held-out", "0.01"), ("copies", "Copies", "0")):
            values = {side: getattr(m, what) for side, m in copied.items()}
            add(title, right, values["generated"], values.get("floor"))
    return Table(
        ["Number", "Generated", "Floor", "A perfect generator", "p"],
        rows,
        "Generated entries against real ones, and beside them the floor: other real entries, as many, against the same "
        "ones. One standard error of the last digits in brackets; p: how often entries dealt anew to both sides give a "
        "distance as large.",
    )


def observable_table(card: GeneratorCard) -> Table:
    """Separation power, χ² and Wasserstein distance of each observable; a star where it differs."""
    differing = differing_observables(card)
    place = {name: k for k, name in enumerate(differing)}
    found = [d for d in card.distributions if "generated" in d.tests]
    rows: list[list[Cell]] = []
    for d in sorted(found, key=lambda d: (place.get(d.name, len(place)), -d.tests["generated"].separation)):
        test, floor = d.tests["generated"], d.tests.get("floor")
        scale = d.distances["generated"].scale or 1.0
        distances = {side: _with_error(w.value / scale, w.error / scale) for side, w in d.distances.items()}
        rows.append(
            [
                f"{d.name}{' *' if d.name in place else ''}",
                test.separation,
                None if floor is None else floor.separation,
                test.chi2_per_ndf if test.ndf else None,
                None if floor is None or not floor.ndf else floor.chi2_per_ndf,
                _probability(test.p_value),
                distances["generated"],
                distances.get("floor"),
            ]
        )
    return Table(
        ["Observable", "Separation", "floor", "χ²/ndf", "floor", "p", "W₁ / σ", "floor"],
        rows,
        f"Each observable of generated entries against real ones, and of other real ones (floor). * differs: p < "
        f"{SIGNIFICANT:g} after Holm's correction. W₁ / σ: Wasserstein distance over the spread of real values.",
    )


def profile_table(card: GeneratorCard) -> Table | None:
    """χ² of each mean profile; None where entries have none."""
    rows: list[list[Cell]] = []
    for name, sides in card.profiles.items():
        if "generated" in sides:
            test, floor = sides["generated"], sides.get("floor")
            beside = [None, None] if floor is None else [floor.chi2 / max(floor.ndf, 1), floor.p_value]
            rows.append([name, test.chi2 / max(test.ndf, 1), beside[0], _probability(test.p_value), beside[1]])
    titles = ["Profile", "χ²/ndf", "floor", "p", "floor"]
    return Table(titles, rows, "Mean profiles, with the covariance of their bins.") if rows else None


def correlation_pairs(card: GeneratorCard) -> str | None:
    """Return the pair of features whose correlation differs most, in a sentence; None where none are compared."""
    found = card.correlations.get("generated")
    if found is None:
        return None
    first, second = (card.feature_names[place] for place in found.pair)
    return (
        f"The rank correlation that differs most, by {found.largest:.3f}, is that of {first} and {second}. Over all "
        f"pairs the RMS difference is {found.rms:.4f}; statistics alone make about {found.expected_rms:.4f}."
    )


def _probability(p_value: float) -> Cell:
    """A p-value, of which nobody believes the digits where it is too small."""
    return p_value if p_value > _NO_DIGITS else "< 10⁻⁹"


def _with_error(value: float, error: float) -> Cell:
    return interval(value, value - error, value + error)
