"""Record of what a search found, as plain values: all that its page, W&B and a comparison are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Window:
    """A window of the scan.

    Attributes:
        name: such as `w3`.
        low: end that belongs to it.
        high: end that does not.
        sidebands: `[low, high]` of each strip beside it that trains densities and fits.
    """

    name: str
    low: float
    high: float
    sidebands: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Spectrum:
    """Data beyond a cut in bins of the observable, and the background that was fitted to them.

    Attributes:
        edges: of the bins, (B + 1,).
        counts: of data, (B,).
        expected: background, (B,); empty where nothing was fitted.
        errors: of `expected` from the fit, (B,); empty as well.
        function: name of the function.
        parameters: name → value.
        chi2: of the bins that were fitted.
        ndf: their degrees of freedom.
        p_fit: goodness of the fit.
        failure: why there is no fit, in a sentence; empty where there is one.
    """

    edges: Sequence[float]
    counts: Sequence[float]
    expected: Sequence[float] = ()
    errors: Sequence[float] = ()
    function: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)
    chi2: float | None = None
    ndf: int | None = None
    p_fit: float | None = None
    failure: str = ""


@dataclass(frozen=True)
class CutResult:
    """One cut in one window.

    Attributes:
        efficiency: of the background in the window, by which the cut was chosen; 1 for no cut.
        observed: data in the window beyond the cut.
        expected: background there; None where there is no estimate.
        error: of `expected`.
        z: local significance, below 0 for a deficit.
        p: local p-value.
        p_toys: local p-value of refitted toys, if any were made.
        limits: upper limit at 95% CL on signal entries beyond the cut: `observed`, `-2`, `-1`, `median`, `1`, `2`.
        spectrum: data beyond the cut, in and beside the window.
        sculpting: Jensen-Shannon distance of the observable beside the window, with and without the cut.
        signal: entries of signal among `observed`, where truth is known.
        failure: why there is no p-value, in a sentence; empty where there is one.
    """

    efficiency: float
    observed: int
    expected: float | None = None
    error: float | None = None
    z: float | None = None
    p: float | None = None
    p_toys: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    spectrum: Spectrum | None = None
    sculpting: float | None = None
    signal: int | None = None
    failure: str = ""


@dataclass(frozen=True)
class Closure:
    """Closure of a template: how well it stands for the background in a window.

    Attributes:
        auc: of a classifier of template against what it stands for; 0.5 is perfect.
        error: of `auc`.
        floor: the same of two halves of what it stands for.
        floor_error: of `floor`.
        against: what it was compared with, such as `extra background` or `side bands`.
        pulls: feature → mean and width of its standardised difference over bins.
    """

    auc: float
    error: float
    floor: float
    floor_error: float
    against: str
    pulls: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Performance:
    """Separation of known signal by scores; truth was read for this alone.

    Attributes:
        efficiency: of the signal in the window, a grid.
        sic: TPR/√FPR at each, None below ten background entries.
        low, high: ends of its 68% interval.
        max_sic: the largest.
        max_sic_low, max_sic_high: ends of its 68% interval.
        auc: of signal against background in the window.
    """

    efficiency: Sequence[float]
    sic: Sequence[float | None]
    low: Sequence[float | None]
    high: Sequence[float | None]
    max_sic: float | None
    max_sic_low: float | None
    max_sic_high: float | None
    auc: float


@dataclass(frozen=True)
class SignalModel:
    """Signal that a method has fitted in a window on top of the background (`r_anode`), drawn from.

    Attributes:
        fraction: of the entries in the window, the mean over folds.
        spread: standard deviation of it over folds.
        features: feature or observable → values of up to 2000 draws.
        truth: the same of the signal among the data in the window; empty where truth was not read.
    """

    fraction: float
    spread: float
    features: Mapping[str, Sequence[float]]
    truth: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class WindowResult:
    """One method in one window.

    Attributes:
        window: its name.
        cuts: in the order of falling efficiency.
        closure: of its template, if it has one.
        performance: where truth is known and the search is unblinded.
        found: columns of the entries beyond the tightest cut by falling score: `rank`, `row`, `score`, the observable,
            the features, and `run`, `lumi`, `event` where kept.
        template_features: feature → values of up to 2000 entries of the template beyond the same cut.
        seconds: of all its stages.
        signal_model: what is there beside the background, of a method that fits it.
    """

    window: str
    cuts: Sequence[CutResult]
    closure: Closure | None = None
    performance: Performance | None = None
    found: Mapping[str, Sequence[float]] = field(default_factory=dict)
    template_features: Mapping[str, Sequence[float]] = field(default_factory=dict)
    seconds: float = 0.0
    signal_model: SignalModel | None = None


@dataclass(frozen=True)
class MethodResult:
    """One method in all windows.

    Attributes:
        method: its name.
        windows: one of each window.
        p_global: of the smallest local p-value among windows and cuts, from refitted toys.
        toys: how many.
        null: the same search of samples without signal; None where there was none.
        failure: why the method has no result, in a sentence; empty where it has.
    """

    method: str
    windows: Sequence[WindowResult]
    p_global: float | None = None
    toys: int = 0
    null: "MethodResult | None" = None
    failure: str = ""


@dataclass(frozen=True)
class SearchRecord:
    """All of search.json.

    Attributes:
        observable: that is scanned, such as `m_jj`.
        unit: of it, such as `GeV`; empty where unknown.
        features: that scores are made of.
        windows: of the scan.
        methods: in the order they were asked for.
        samples: name → facts, such as `entries`, `file`, `sha256`, `injected`.
        null_kind: `background` or `shuffled`; empty where there was no null twin.
        unblinded: truth was read, for `Performance` and `CutResult.signal`.
        notes: what a reader must know, in sentences.
        settings: of the search, as plain values.
    """

    observable: str
    unit: str
    features: Sequence[str]
    windows: Sequence[Window]
    methods: Sequence[MethodResult]
    samples: Mapping[str, Mapping[str, str | float | int | None]] = field(default_factory=dict)
    null_kind: str = ""
    unblinded: bool = False
    notes: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
