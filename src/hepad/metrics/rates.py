"""Words for how much background a threshold lets through, and the false-positive rate that they stand for."""

import math
import re
from typing import Final

from hepad.core.errors import UserError
from hepad.core.names import check_name
from hepad.metrics.working_points import BUNCH_CROSSING_RATE, fpr_name

_UNITS: Final = {"": 1.0, "hz": 1.0, "khz": 1e3, "mhz": 1e6}
_SECONDS_PER_DAY: Final = 86_400.0


def parse_rate(words: str | float) -> float:
    """The rate (Hz) that `1kHz`, `2.5 MHz`, `30Hz` or a plain number stands for.

    Raises:
        ValueError: it is no rate above 0.

    >>> from hepad.metrics.rates import parse_rate
    >>> parse_rate("1kHz"), parse_rate(30)
    (1000.0, 30.0)
    """
    found = re.fullmatch(r"\s*([0-9.]+(?:e[-+]?[0-9]+)?)\s*([a-z]*)\s*", str(words).lower())
    try:
        value = math.nan if found is None else float(found[1]) * _UNITS.get(found[2], math.nan)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ValueError(f"rate={words}: a rate above 0 such as 1kHz, 500Hz or 0.1MHz is needed")
    return value


def wanted_fpr(
    rate: str | float | None = None, fpr: float | None = None, events_per_day: float | None = None
) -> tuple[str, float]:
    """A name for an operating point, and its false-positive rate, from the one of three that is given.

    A rate is that of a trigger which sees every crossing of filled bunches, 28.61 MHz.

    Raises:
        ValueError: not exactly one is given, or it stands for no share above 0 and at most 1.

    >>> from hepad.metrics.rates import wanted_fpr
    >>> name, fpr = wanted_fpr(rate="1kHz")
    >>> name, f"{fpr:.3g}"
    ('1kHz', '3.5e-05')
    >>> wanted_fpr(fpr=0.001)
    ('fpr_1e-3', 0.001)
    """
    given = {"rate": rate, "fpr": fpr, "events_per_day": events_per_day}
    named = [key for key, value in given.items() if value is not None]
    if len(named) != 1:
        raise ValueError(
            f"{' and '.join(named) or 'none'} given; exactly one of rate, fpr and events_per_day is needed"
        )
    if rate is not None:
        per_second = parse_rate(rate)
        name, share = rate_name(per_second), per_second / BUNCH_CROSSING_RATE
    elif events_per_day is not None:
        share = events_per_day / _SECONDS_PER_DAY / BUNCH_CROSSING_RATE
        name = f"{fpr_name(events_per_day)}_per_day"
    else:
        assert fpr is not None
        name, share = f"fpr_{fpr_name(fpr)}", fpr
    if not 0 < share <= 1:
        raise ValueError(
            f"{named[0]}={given[named[0]]} is the share {share:.3g} of {BUNCH_CROSSING_RATE / 1e6:.2f} MHz; a share "
            "above 0 and at most 1 is needed"
        )
    return name, share


def rate_name(rate: float) -> str:
    """A rate in Hz as it is written: 1000 → `1kHz`.

    >>> from hepad.metrics.rates import rate_name
    >>> rate_name(1000), rate_name(2.5e6), rate_name(3)
    ('1kHz', '2.5MHz', '3Hz')
    """
    for unit, size in (("MHz", 1e6), ("kHz", 1e3)):
        if rate >= size:
            return f"{rate / size:g}{unit}"
    return f"{rate:g}Hz"


def named_fpr(
    rate: str | float | None = None,
    fpr: float | None = None,
    events_per_day: float | None = None,
    name: str | None = None,
) -> tuple[str, float]:
    """The name and the false-positive rate of an operating point that a user asks for; `UserError` for what is none.

    >>> from hepad.metrics.rates import named_fpr
    >>> named_fpr(fpr=0.01, name="loose")
    ('loose', 0.01)
    """
    try:
        own, share = wanted_fpr(rate, fpr, events_per_day)
    except ValueError as error:
        raise UserError(str(error)) from error
    check_name(f"name={name or own}", name or own)
    return name or own, share
