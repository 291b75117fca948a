"""Statistics of a bump hunt: background fits, significances, toys, limits."""

from hepad.stats.count_toys import count_toys
from hepad.stats.fits import BackgroundFit, Prediction, fit_background
from hepad.stats.functions import FAMILIES, SQRT_S, Family, find_family
from hepad.stats.global_p_values import GlobalP, global_p
from hepad.stats.goodness import Goodness, deviance_terms, goodness_of_fit, signed_pulls
from hepad.stats.limit_models import CorrelatedModel, CountModel, shifts_of
from hepad.stats.limit_toys import toy_limit
from hepad.stats.limits import UpperLimit, counting_limit, upper_limit
from hepad.stats.minimising import FitError
from hepad.stats.orders import OrderChoice, OrderTest, choose_order
from hepad.stats.scan import BumpHunt, ScanArrays, WindowResult, scan_many, scan_spectrum
from hepad.stats.signal_fits import SignalFit, fit_signal
from hepad.stats.significance import Significance, counting_significance, exact_p, signed_z
from hepad.stats.spectrum import (
    MIN_EVENTS,
    Spectrum,
    check_events,
    enough_events,
    equal_bins,
    fill_spectrum,
    growing_bins,
)
from hepad.stats.spectrum_model import SpectrumModel
from hepad.stats.template_counts import TemplateCount, count_fold, template_background, template_significance
from hepad.stats.templates import gaussian_signal, window_signal
from hepad.stats.toys import draw_toys, scan_toys
from hepad.stats.windows import Window, align_edges, check_side_bands, window_bins

__all__ = [
    "FAMILIES",
    "MIN_EVENTS",
    "SQRT_S",
    "BackgroundFit",
    "BumpHunt",
    "CorrelatedModel",
    "CountModel",
    "Family",
    "FitError",
    "GlobalP",
    "Goodness",
    "OrderChoice",
    "OrderTest",
    "Prediction",
    "ScanArrays",
    "SignalFit",
    "Significance",
    "Spectrum",
    "SpectrumModel",
    "TemplateCount",
    "UpperLimit",
    "Window",
    "WindowResult",
    "align_edges",
    "check_events",
    "check_side_bands",
    "choose_order",
    "count_fold",
    "count_toys",
    "counting_limit",
    "counting_significance",
    "deviance_terms",
    "draw_toys",
    "enough_events",
    "equal_bins",
    "exact_p",
    "fill_spectrum",
    "find_family",
    "fit_background",
    "fit_signal",
    "gaussian_signal",
    "global_p",
    "goodness_of_fit",
    "growing_bins",
    "scan_many",
    "scan_spectrum",
    "scan_toys",
    "shifts_of",
    "signed_pulls",
    "signed_z",
    "template_background",
    "template_significance",
    "toy_limit",
    "upper_limit",
    "window_bins",
    "window_signal",
]
