#!/usr/bin/env bash
# pynwb 4.2.0 (hdmf 6.2.0, numpy 2.4.6, Python 3.11): a trial can have samples of a TimeSeries that are not in the
# trial. add_trial, add_epoch and add_interval store for each series in timeseries= which samples belong to the
# interval. For a series with timestamps these are the ones from start_time on and before stop_time. For a series with
# starting_time and rate, the usual form, both ends are cut off to whole samples: trials between samples begin with the
# one before start_time and lack the last; where both are sample times, rounding moves either end one sample to the
# front, here in up to 43 % of the trials, so that equal ones have unequal counts; a trial that goes on after the
# recording counts samples that do not exist, and reading its data raises IndexError, long after the file is written;
# one that starts before the recording has no samples at all. No one warns, validate finds nothing, and what is aligned
# by these samples is one off.
# Guessed: the samples within the interval, the same whether times are stored or follow from the rate. (No issue of
# NeurodataWithoutBorders/pynwb on it was found; the docstring says "the TimeSeries this epoch applies to".)
# Helps: numpy.searchsorted(series.get_timestamps(), [start, stop]) on reading; or series with timestamps.
#
# Output seen (1: ten samples at 10 Hz from 5 s on, each with its own time as value; 2: 1,000 trials, each from the time
# of one sample to the time of the 2,000th after it, as get_timestamps gives them):
#   5.2 to 5.4 s: timestamps 5.2 5.3, rate 5.2 5.3
#   5.25 to 5.6 s: timestamps 5.3 5.4 5.5, rate 5.2 5.3 5.4
#   5.3 to 5.6 s: timestamps 5.3 5.4 5.5, rate 5.2 5.3 5.4
#   5.8 to 7.0 s: timestamps 5.8 5.9, rate IndexError
#   4.8 to 5.2 s: timestamps 5.0 5.1, rate nothing
#   1000 Hz from 0 s on: 1% start a sample early, counts 1999 2000 2001, with timestamps 0%, counts 2000
#   1250 Hz from 100 s on: 37% start a sample early, counts 1999 2000 2001, with timestamps 0%, counts 2000
#   30000 Hz from 12.3456 s on: 43% start a sample early, counts 1999 2000 2001, with timestamps 0%, counts 2000
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pynwb==4.2.0 hdmf==6.2.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import numpy as np
from pynwb import TimeSeries
from pynwb.epoch import TimeIntervals

TRIALS, LENGTH = 1000, 2000


def series(rate, start, samples):
    times = start + np.arange(samples) / rate
    by_rate = TimeSeries(name="by_rate", data=times, unit="s", rate=rate, starting_time=start)
    times = by_rate.get_timestamps()
    return TimeSeries(name="stamped", data=times, unit="s", timestamps=times), by_rate


def samples(interval, one):
    table = TimeIntervals(name="trials")
    table.add_interval(start_time=interval[0], stop_time=interval[1], timeseries=[one])
    reference = table["timeseries"][0][0]
    if reference.timeseries is None:
        return "nothing"
    try:
        return " ".join(f"{value:.1f}" for value in reference.data)
    except IndexError:
        return "IndexError"


def indices(starts, stops, one):
    table = TimeIntervals(name="trials")
    for start, stop in zip(starts, stops):
        table.add_interval(start_time=start, stop_time=stop, timeseries=[one])
    references = [table["timeseries"][trial][0] for trial in range(len(starts))]
    return np.array([(reference.idx_start, reference.count) for reference in references]).T


stamped, by_rate = series(10.0, 5.0, 10)
for interval in ((5.2, 5.4), (5.25, 5.6), (5.3, 5.6), (5.8, 7.0), (4.8, 5.2)):
    print(
        f"{interval[0]} to {interval[1]} s: timestamps {samples(interval, stamped)}, rate {samples(interval, by_rate)}"
    )
random = np.random.default_rng(0)
for rate, start in ((1000.0, 0.0), (1250.0, 100.0), (30000.0, 12.3456)):
    stamped, by_rate = series(rate, start, 100_000)
    times, first = by_rate.get_timestamps(), random.integers(0, 100_000 - LENGTH, TRIALS)
    words = []
    for one in (by_rate, stamped):
        found, counts = indices(times[first], times[first + LENGTH], one)
        assert set(first - found) <= {0, 1}
        words.append((f"{np.mean(found < first):.0%}", " ".join(map(str, np.unique(counts)))))
    (early, counts), (stamped_early, stamped_counts) = words
    print(
        f"{rate:.0f} Hz from {start:g} s on: {early} start a sample early, counts {counts},"
        f" with timestamps {stamped_early}, counts {stamped_counts}"
    )
PYTHON
cat "$folder/output"
diff <(grep -A9 '^# Output seen' "$script" | tail -8 | cut -c5-) "$folder/output"
