"""How long incidents took: median, 90th percentile, geometric mean, and the mean that does not leave out the open ones.

Their intervals leave out whole causes in turn (`resampling`). Of fewer than six causes no such interval exists; the
incidents are then taken as independent, which the figure says.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np

from kubernaut.impact import figures
from kubernaut.impact.accounts import Account
from kubernaut.impact.figures import Figure, not_computable
from kubernaut.impact.resampling import (
    FEWEST_CLUSTERS,
    mean_interval,
    quantile_interval,
    restricted_mean_interval,
    restricted_means,
)

# Minutes. What lasts longer counts as this, so that a few of days do not drown all others.
HORIZON_MIN = 240.0
# Under ten values the ninetieth percentile is hardly more than the largest one by another name.
_FEWEST = 10
_TAIL = 0.9


def median(group: Sequence[Account], seconds: Sequence[float], *, of: str) -> Figure:
    """The median of these seconds, one for each account."""
    causes = [one.cause for one in group]
    if len(set(causes)) < FEWEST_CLUSTERS:
        return figures.median("s", seconds, of=of)
    low, high = quantile_interval(seconds, causes)
    return Figure("s", len(seconds), statistics.median(seconds), low=low, high=high, interval=_clustered(causes))


def ninetieth(group: Sequence[Account], seconds: Sequence[float], *, of: str) -> Figure:
    """The time within which nine of ten were over."""
    causes = [one.cause for one in group]
    if len(seconds) < _FEWEST:
        return not_computable("s", f"fewer than {_FEWEST} of {of}", n=len(seconds))
    value = float(np.quantile(seconds, _TAIL))
    if len(set(causes)) < FEWEST_CLUSTERS:
        return Figure("s", len(seconds), value, interval=f"none: fewer than {FEWEST_CLUSTERS} causes")
    low, high = quantile_interval(seconds, causes, _TAIL)
    return Figure("s", len(seconds), value, low=low, high=high, interval=_clustered(causes))


def geometric_mean(group: Sequence[Account], seconds: Sequence[float], *, of: str) -> Figure:
    """The mean on a log scale: times of incidents are closer to log-normal than to normal."""
    if not seconds:
        return not_computable("s", f"no {of}")
    causes = [one.cause for one in group]
    # A millisecond at least: an incident of 0 s would pull the mean of logarithms to minus infinity.
    logs = [math.log(max(each, 1e-3)) for each in seconds]
    value = math.exp(statistics.fmean(logs))
    if len(set(causes)) < FEWEST_CLUSTERS:
        return Figure("s", len(seconds), value, interval=f"none: fewer than {FEWEST_CLUSTERS} causes")
    low, high = mean_interval(logs, causes)
    return Figure("s", len(seconds), value, low=math.exp(low), high=math.exp(high), interval=_clustered(causes))


def restricted_mean(group: Sequence[Account]) -> Figure:
    """The mean minutes until the alert ended, up to the horizon, over all that needed something, open ones too."""
    needing = [one for one in group if one.attended]
    if not needing:
        return not_computable("min", "no incident that needed anything")
    # Censored and not left out: dropping those that are still open would leave the quick ones, and flatter us.
    times = np.array([(one.seen_s if one.ended_s is None else one.ended_s) / 60 for one in needing])
    ended = np.array([one.ended_s is not None for one in needing])
    causes = [one.cause for one in needing]
    value = float(restricted_means(times, ended, np.ones((1, len(needing))), HORIZON_MIN)[0])
    said = (f"up to {HORIZON_MIN:g} minutes; {int((~ended).sum())} not seen to end",)
    if len(set(causes)) < FEWEST_CLUSTERS:
        without = f"none: fewer than {FEWEST_CLUSTERS} causes"
        return Figure("min", len(needing), value, assumptions=said, interval=without)
    low, high = restricted_mean_interval(times, ended, causes, HORIZON_MIN)
    return Figure("min", len(needing), value, low=low, high=high, assumptions=said, interval=_clustered(causes))


def _clustered(causes: Sequence[str]) -> str:
    return f"95 %, jackknife over {len(set(causes))} causes"
