"""Settings of a search, read from the config of its command without torch: what is searched, and with which methods."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast

from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.names import is_name
from hepad.searches.windows import Scan

Kind: TypeAlias = Literal["supervised", "idealized", "cwola", "anode", "r_anode", "cathode", "lacathode", "score"]

NEEDS_EXTRA: Final = ("supervised", "idealized")
"""Kinds of methods that are for studies: they are given background that is known as such."""


@dataclass(frozen=True)
class Method:
    """A method of a search (`configs/method/NAME.yaml`).

    Attributes:
        name: as the user calls it.
        kind: its idea.
        density: words of the runs of densities.
        classifier: words of the run of each fold.
        oversample: entries of the template for each entry of the data in the window.
        cross_fit: a density for each fold, which has not seen the entries that the fold tests, beside the window too.
        strips: width of each strip beside the window, in widths of the window.
        fractions: of signal, that are scanned; empty to learn it.
    """

    name: str
    kind: Kind
    density: tuple[str, ...] = ()
    classifier: tuple[str, ...] = ()
    oversample: int = 4
    cross_fit: bool = True
    strips: float = 0.5
    fractions: tuple[float, ...] = ()

    @property
    def needs_extra(self) -> bool:
        """True where background is needed that is known as such."""
        return self.kind in NEEDS_EXTRA


@dataclass(frozen=True)
class Injection:
    """Signal that is injected for a study.

    Attributes:
        sample: where it is from; None for the truth in the file of the searched sample.
        events: how many; None where a fraction is given.
        fraction: of the background in the middle window.
    """

    sample: str | None
    events: int | None
    fraction: float | None


@dataclass(frozen=True)
class FitSettings:
    """Settings of fits of spectra (`fit`).

    Attributes:
        function: a family of `hepad.stats`.
        sqrt_s: energy of the collider in the unit of the observable.
        test: by which the number of parameters is chosen.
    """

    function: str = "dijet"
    sqrt_s: float = 13_000.0
    test: str = "f"


@dataclass(frozen=True)
class Settings:
    """All settings of a search but the section `data`.

    Attributes:
        seed: of everything.
        sample: name of the sample that is searched; None to choose it.
        extra: name of a sample of background known as such; None for rows of the searched sample.
        data_fraction: share of a simulated background that stands for data; None for a half where signal is injected.
        injection: what is injected; None for nothing.
        unblind: read the truth.
        null_twin: `auto`, `background`, `shuffled` or `none`.
        folds: how many.
        scan: of the windows.
        cuts: background efficiencies.
        background: `fit` of the spectrum beside the window, or `template`.
        systematic: relative uncertainty of a background from the template.
        fit: function, energy of the collider and test of orders.
        toys: refitted toys of each method; 0 for none.
        limits: whether to set upper limits.
        words: of all runs.
        methods: in the order they were asked for.
    """

    seed: int
    sample: str | None
    extra: str | None
    data_fraction: float | None
    injection: Injection | None
    unblind: bool
    null_twin: str
    folds: int
    scan: Scan
    cuts: tuple[float, ...]
    background: str
    systematic: float
    fit: FitSettings
    toys: int
    limits: bool
    words: tuple[str, ...]
    methods: tuple[Method, ...]


def read_settings(cfg: RunConfig) -> Settings:
    """Return the settings of a search.

    Raises:
        UserError: no method, or values that do not go together.
    """
    plain = cfg.plain()
    methods = tuple(_method(name, given) for name, given in (plain.get("methods") or {}).items())
    if not methods:
        raise UserError("method=NAME is missing: a search needs at least one")
    cuts = tuple(float(cut) for cut in plain["cuts"])
    if len(set(cuts)) < len(cuts):
        raise UserError(f"cuts=[{','.join(f'{cut:g}' for cut in cuts)}] names one twice")
    return Settings(
        seed=cfg.seed,
        sample=plain["sample"],
        extra=plain["extra"],
        data_fraction=plain["data_fraction"],
        injection=_injection(plain["injection"]),
        unblind=bool(plain["unblind"]),
        null_twin=str(plain["null_twin"]),
        folds=int(plain["folds"]),
        scan=_scan(plain["scan"], plain["data"]),
        cuts=tuple(sorted(cuts, reverse=True)),
        background=str(plain["background"]),
        systematic=float(plain["systematic"]),
        fit=FitSettings(**{name: plain["fit"][name] for name in ("function", "sqrt_s", "test")}),
        toys=int(plain["toys"]),
        limits=bool(plain["limits"]),
        words=tuple(plain["words"]),
        methods=methods,
    )


def _method(name: str, given: Mapping[str, Any]) -> Method:
    if not is_name(name) or "." in name:
        raise UserError(f"methods.{name}: the name of a method has letters, digits, '_' and '-'")
    return Method(
        name=name,
        kind=cast(Kind, given["kind"]),
        density=_words(name, "density", given.get("density")),
        classifier=_words(name, "classifier", given.get("classifier")),
        oversample=int(given.get("oversample", 4)),
        cross_fit=bool(given.get("cross_fit", True)),
        strips=float(given.get("strips", 0.5)),
        fractions=tuple(float(fraction) for fraction in given.get("fractions") or ()),
    )


_OWN_KEYS: Final = (
    *("data", "data.samples", "data.bundled", "data.train", "data.regions", "data.features", "data.context"),
    *("data.background", "data.folds", "data.fold", "data.truth", "data.targets", "data.limit"),
    *("paths.run", "paths.root", "hydra.run.dir", "seed", "resume", "ensemble"),
)


def _words(name: str, part: str, given: Sequence[str] | None) -> tuple[str, ...]:
    words = tuple(given or ())
    for word in words:
        if (key := word.lstrip("+~").partition("=")[0]) in _OWN_KEYS or key.startswith("data.samples."):
            raise UserError(f"methods.{name}.{part}: {word} is for the search to say; leave it out")
    return words


def _injection(given: Mapping[str, Any]) -> Injection | None:
    sample, events, fraction = given["sample"], given["events"], given["fraction"]
    if events is not None and fraction is not None:
        raise UserError(
            f"injection.events={events} and injection.fraction={fraction:g} both say how much; leave one out"
        )
    if sample is not None and events is None and fraction is None:
        raise UserError(
            f"injection.sample={sample}: how much of it? injection.events=N or injection.fraction=0.02 says so"
        )
    if events is None and fraction is None:
        return None
    return Injection(sample, events, fraction)


def _scan(given: Mapping[str, Any], data: Mapping[str, Any]) -> Scan:
    """Return the settings of a scan; what they leave open, the regions of the data may say."""
    center, width, ends = given["center"], given["width"], given["range"]
    if ends is not None and not ends[0] < ends[1]:
        raise UserError(f"scan.range=[{ends[0]:g},{ends[1]:g}]: the first end must be below the second")
    window, beside = (_region(data, name) for name in ("signal", "sidebands"))
    windows, step = int(given["windows"]), given["step"]
    if window is not None and len(window) == 1 and None not in window[0]:
        low, high = (float(end) for end in window[0] if end is not None)
        width = high - low if width is None else width
        center = (low + high) / 2 if center is None and (windows == 1 or step is not None) else center
    if ends is None and beside is not None and None not in (beside[0][0], beside[-1][1]):
        ends = (beside[0][0], beside[-1][1])
    return Scan(
        windows=windows,
        center=None if center is None else float(center),
        width=None if width is None else float(width),
        step=None if step is None else float(step),
        range=None if ends is None else (float(ends[0]), float(ends[1])),
        bins=int(given["bins"]),
        unit=str(given["unit"] or ""),
    )


def _region(data: Mapping[str, Any], name: str) -> list[list[float | None]] | None:
    """Return the intervals of a region of the observable by rising ends; None where there is no such region."""
    context = data.get("context") or [None]
    found = ((data.get("regions") or {}).get(name) or {}).get(context[0])
    if not found:
        return None
    intervals = found if isinstance(found[0], list) else [found]
    return sorted(intervals, key=lambda ends: -math.inf if ends[0] is None else ends[0])


def key_of(*facts: Any) -> str:
    """Return eight digits that tell apart whatever is made of other facts; plain values, in their order.

    >>> from hepad.searches.settings import key_of
    >>> key_of("fold", 1) == key_of("fold", 1), key_of("fold", 1) == key_of("fold", 2)
    (True, False)
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=list).encode()).hexdigest()[:8]
