"""Preparation of a search's samples: entries are read and dealt out by the seed alone, and what is wrong is refused."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.bundled import bundled_files
from hepad.core.errors import UserError
from hepad.core.files import file_sha256
from hepad.data.injection import shuffled_rows, split_search_rows
from hepad.searches.reading import Sample, SampleReader
from hepad.searches.record import Window
from hepad.searches.sample_checks import check_entries, check_windows
from hepad.searches.sample_tables import Table
from hepad.searches.samples import DATA, EXTRA, SearchSamples
from hepad.searches.settings import Injection, Settings, key_of
from hepad.searches.windows import placed_scan, scan_windows

BUNDLED: Final = ("qcd_dijet", "wprime_dijet")
"""The simulated dijets that ship with hepad, background and signal."""

Facts = dict[str, str | float | int | None]

_SHUFFLE: Final = 11
_TWIN: Final = 12


def prepare_samples(settings: Settings, reader: SampleReader) -> SearchSamples:
    """Read the samples of a search and deal out their entries, by the seed alone; nothing is written.

    Raises:
        UserError: whatever is wrong with them, or a window that cannot be searched.
    """
    name = settings.sample or (DATA if DATA in reader.files else reader.background)
    main = reader.read(name)
    check_entries(main.file, len(main))
    scan = placed_scan(settings.scan, main.mass, reader.observable)
    windows = tuple(scan_windows(scan))
    check_windows(windows, main.mass, reader.observable)
    injection = settings.injection
    is_bundled = name == BUNDLED[0] and BUNDLED[1] in reader.files and main.file == bundled_files().get(name)
    if is_bundled and (injection is None or injection.sample is None):
        injection = Injection(BUNDLED[1], None, 0.03) if injection is None else replace(injection, sample=BUNDLED[1])
    dealt = _deal(settings, reader, name, main, injection, windows)
    kind = _null_kind(settings.null_twin, dealt)
    facts = dict(dealt.facts)
    extra = dealt.extra
    if settings.extra is not None:
        given = reader.read(settings.extra)
        if given.truth is not None and given.truth.any():
            raise UserError(
                f"extra={settings.extra}: {int(given.truth.sum())} of its entries are signal by its own truth; name a "
                "background"
            )
        extra = given.table
        facts[EXTRA] = _facts(given, len(given))
    for method in settings.methods:
        if method.needs_extra and (extra is None or not len(extra)):
            raise UserError(
                f"method={method.name} is for studies: it needs background that is known as such; extra=NAME names a "
                "sample of it, or injection.sample=NAME keeps a part of a simulated background for it"
            )
        if method.kind == "supervised" and dealt.held_out is None:
            raise UserError(
                f"method={method.name} is for studies: it needs signal; injection.sample=NAME names a sample of it"
            )
    if settings.unblind and dealt.truth is None:
        raise UserError(f"unblind=true: the file of {name} has no truth, and no signal is injected; leave it out")
    null = None
    if kind == "background":
        assert dealt.truth is not None
        null = dealt.data[~dealt.truth]
    elif kind == "shuffled":
        null = dealt.data.copy()
        null[:, -1] = null[shuffled_rows(len(null), settings.seed, _TWIN), -1]
    if extra is not None and not len(extra):
        extra = None
    key = key_of(
        [(part, dict(known)) for part, known in facts.items()], list(reader.features), reader.observable, settings.seed,
        dealt.share, kind,
    )  # fmt: skip
    return SearchSamples(
        reader.features, reader.observable, dealt.data, dealt.identity, null, kind, extra, dealt.held_out, dealt.truth,
        scan, windows, facts, tuple(dealt.notes), key,
    )  # fmt: skip


@dataclass(frozen=True)
class _Dealt:
    data: Table
    identity: dict[str, NDArray[Any]]
    truth: NDArray[np.bool_] | None
    extra: Table | None
    held_out: Table | None
    simulated: bool
    share: float
    facts: dict[str, Facts]
    notes: list[str]


def _deal(
    settings: Settings,
    reader: SampleReader,
    name: str,
    main: Sample,
    injection: Injection | None,
    windows: tuple[Window, ...],
) -> _Dealt:
    if injection is None:
        return _as_it_is(settings, main)
    if injection.sample is not None:
        if injection.sample not in reader.files:
            allowed = ", ".join(sorted(set(reader.files) - {name})) or "none beside the one that is searched"
            raise UserError(f"injection.sample={injection.sample} is not a sample; allowed: {allowed}")
        if main.truth is not None and main.truth.any():
            raise UserError(
                f"injection.sample={injection.sample}: {name} holds {int(main.truth.sum())} entries of signal "
                "already; leave injection.sample out to inject of these"
            )
        if injection.sample == name:
            raise UserError(f"injection.sample={name} is the sample that is searched; name a signal")
        background, signal = main, reader.read(injection.sample)
        share = 0.5 if settings.data_fraction is None else settings.data_fraction
    elif main.truth is None:
        raise UserError(
            f"injection.sample is missing: {main.file} says of no entry that it is signal; name a sample of signal"
        )
    else:
        background, signal = _part(main, ~main.truth), _part(main, main.truth)
        share = 1.0 if settings.data_fraction is None else settings.data_fraction
    share = 1.0 if settings.extra is not None and settings.data_fraction is None else share
    events = _events(injection, background, signal, share, windows)
    rows = split_search_rows(len(background), len(signal), events, settings.seed, share)
    table = np.concatenate([background.table[rows.data], signal.table[rows.injected]])
    truth = np.arange(len(table)) >= len(rows.data)
    order = shuffled_rows(len(table), settings.seed, _SHUFFLE)
    facts = {
        DATA: _facts(background, len(rows.data)),
        "signal": {**_facts(signal, len(signal)), "injected": events, "held_out": len(rows.held_out)},
    }
    if len(rows.extra):
        facts[EXTRA] = _facts(background, len(rows.extra))
    note = f"{events} events of signal were injected into {len(rows.data)} of background."
    return _Dealt(
        table[order], {"row": np.arange(len(table))}, truth[order], background.table[rows.extra],
        signal.table[rows.held_out], True, share, facts, [note],
    )  # fmt: skip


def _as_it_is(settings: Settings, main: Sample) -> _Dealt:
    identity = {"row": main.row, **main.identifiers}
    if settings.data_fraction not in (None, 1.0):
        raise UserError(
            f"data_fraction={settings.data_fraction:g}: nothing is injected, and all entries are data; leave it out"
        )
    return _Dealt(main.table, identity, main.truth, None, None, False, 1.0, {DATA: _facts(main, len(main))}, [])


def _events(injection: Injection, background: Sample, signal: Sample, share: float, windows: tuple[Window, ...]) -> int:
    if injection.events is not None:
        return injection.events
    assert injection.fraction is not None
    window = windows[len(windows) // 2]
    n_background = share * _inside(background.mass, window).sum()
    accepted = _inside(signal.mass, window).mean()
    if not accepted:
        raise UserError(
            f"injection.fraction={injection.fraction:g}: no entry of {signal.file} lies in [{window.low:g},"
            f"{window.high:g}]; injection.events=N says how many are injected"
        )
    return round(float(injection.fraction * n_background / accepted))


def _inside(mass: NDArray[np.float64], window: Window) -> NDArray[np.bool_]:
    return np.asarray((window.low <= mass) & (mass < window.high))


def _null_kind(wanted: str, dealt: _Dealt) -> str:
    if wanted == "none":
        return ""
    if wanted == "background" and dealt.truth is None:
        raise UserError(
            "null_twin=background: nobody knows which entries of the data are background; null_twin=shuffled shuffles "
            "their masses"
        )
    return ("background" if dealt.simulated else "shuffled") if wanted == "auto" else wanted


def _part(sample: Sample, chosen: NDArray[np.bool_]) -> Sample:
    known = {name: values[chosen] for name, values in sample.identifiers.items()}
    return Sample(sample.file, sample.table[chosen], sample.row[chosen], None, known)


def _facts(sample: Sample, entries: int) -> Facts:
    return {"file": sample.file.name, "sha256": file_sha256(sample.file), "entries": entries}
