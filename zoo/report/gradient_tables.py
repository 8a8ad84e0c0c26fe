"""What the sweeps of `zoo.training.run.sweep` came to: tables beside the paper's, and its claims put to the test."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from zoo.core.csv_files import read_table
from zoo.evaluation.statistics import contrast, holm, interval_95
from zoo.registry.paper import TABLE_5, TABLE_6
from zoo.training.run.sweep import EPISODES, LIMITS

_FEWEST = 5  # Seeds of each part of a claim; fewer do not say how they spread.
_LEVEL = 0.05
_LEAST = 1e-6  # Of a p that is written out: so far out tails are nothing to rely on.
_SOLVED = 0.95  # Of the limit, as 475 of 500 is CartPole-v1's own mark.


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a sweep's CSV.

    Raises:
        FileNotFoundError: if the sweep has not begun.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; run: zoo sweep {path.stem.removesuffix('-curves')}")
    return read_table(path)


def values(rows: Sequence[dict], column: str, **chosen) -> Float[np.ndarray, " K"]:
    """A column of the rows that have the chosen values, ordered by seed."""
    kept = [row for row in rows if all(row[name] == str(value) for name, value in chosen.items())]
    return np.array([float(row[column]) for row in sorted(kept, key=lambda row: int(row["seed"]))])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement of the paper as a number that should be positive.

    Attributes:
        text: the statement.
        measure: what is measured, in words.
        estimate: its value.
        interval: Welch's 95 % interval; None of too few seeds.
        p: of a value so far from zero, if it were zero; None of too few seeds.
    """

    text: str
    measure: str
    estimate: float
    interval: tuple[float, float] | None
    p: float | None


def verdicts(found: Sequence[Claim]) -> list[tuple[float | None, str]]:
    """Each claim's p corrected for the number of those that can be tested (Holm), and whether it holds by that."""
    corrected = iter(holm([claim.p for claim in found if claim.p is not None]))
    together = [None if claim.p is None else next(corrected) for claim in found]
    return [(p, _verdict(claim.estimate, p)) for claim, p in zip(found, together, strict=True)]


def _verdict(estimate: float, p: float | None) -> str:
    if p is None or p >= _LEVEL:
        return "not decided"
    return "holds" if estimate > 0 else "does not hold"


_Part = tuple[str, str, int]  # Method, column, limit.


_REWARDS = {"last": "last 128 episodes", "greedy": "greedy evaluation"}


def _statements() -> Iterator[tuple[str, str, tuple[_Part, ...]]]:
    """The claims: text, measure, and the parts of its difference (`_difference`)."""
    for limit in LIMITS:
        text, measure = "BP converges faster than ES (weights)", "first third of training, WeightBP - WeightES"
        yield text, f"{measure}, limit {limit}", (("WeightBP", "early", limit), ("WeightES", "early", limit))
    for limit in (500, 1000):
        for column, what in _REWARDS.items():
            text = "BP sticks in long episodes where ES goes on (weights)"
            parts = (("WeightES", column, limit), ("WeightBP", column, limit))
            yield text, f"{what}, WeightES - WeightBP, limit {limit}", parts
    yield (
        "BP loses more than ES as episodes get longer (weights)",
        "greedy evaluation at limit 100 less that at 1000, WeightBP - WeightES",
        tuple((method, "greedy", limit) for method in ("WeightBP", "WeightES") for limit in (100, 1000)),
    )
    for limit in LIMITS:
        for column, what in _REWARDS.items():
            text = "BP optimises neuron properties less well than ES"
            parts = (("NeuronES", column, limit), ("NeuronBP", column, limit))
            yield text, f"{what}, NeuronES - NeuronBP, limit {limit}", parts
    for limit in LIMITS:
        for column, what in _REWARDS.items():
            text = "BP cannot optimise neuron properties (to half of the limit)"
            parts = (("half", column, limit), ("NeuronBP", column, limit))
            yield text, f"half of the limit less NeuronBP, {what}, limit {limit}", parts


_SIGNS = (1.0, -1.0, -1.0, 1.0)
"""Of the parts of a difference, or of one between two differences."""


def claims(rows: Sequence[dict], suffix: str = "", evolution: Sequence[dict] | None = None) -> list[Claim]:
    """The paper's claims of Fig. 7, on returns divided by the limit.

    Args:
        rows: of the sweep with the gradient methods.
        suffix: of their names (`` plain``).
        evolution: rows with PGPE's, where they are not the same.
    """

    def returns(method: str, column: str, limit: int) -> np.ndarray:
        if method == "half":
            return np.full(2, 0.5)
        if method.endswith("ES"):
            return values(evolution or rows, column, method=method, limit=limit) / limit
        return values(rows, column, method=method + suffix, limit=limit) / limit

    found = []
    for text, measure, parts in _statements():
        strata = [returns(*part) for part in parts]
        signs = _SIGNS[: len(strata)]
        seeds = [len(stratum) for stratum, (method, *_) in zip(strata, parts, strict=True) if method != "half"]
        if min(seeds) >= _FEWEST:
            estimate, low, high, p = contrast([stratum.tolist() for stratum in strata], signs)
            found.append(Claim(text=text, measure=measure, estimate=estimate, interval=(low, high), p=p))
        else:
            estimate = sum(sign * float(stratum.mean()) for sign, stratum in zip(signs, strata, strict=True))
            found.append(Claim(text=text, measure=measure, estimate=estimate, interval=None, p=None))
    return found


def claims_table(found: Sequence[Claim]) -> str:
    """Claims as Markdown; numbers are parts of the limit."""
    lines = [
        "| the paper's claim | measured as (in parts of the limit) | value | 95 % interval | corrected p | verdict |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for c, (p, verdict) in zip(found, verdicts(found), strict=True):
        ends = "-" if c.interval is None else "{:+.3f} to {:+.3f}".format(*c.interval)
        together = "-" if p is None else f"{p:.2g}" if p >= _LEAST else f"< {_LEAST:g}"
        lines.append(f"| {c.text} | {c.measure} | {c.estimate:+.3f} | {ends} | {together} | {verdict} |")
    return "\n".join(lines) + "\n"


def _cell(sample: np.ndarray) -> str:
    low, high = interval_95(sample)
    return f"{sample.mean():.1f} ({low:.0f} to {high:.0f})" if len(sample) > 1 else f"{sample.mean():.1f}"


def final_table(rows: Sequence[dict]) -> str:
    """Fig. 7's final rewards as Markdown, one row a method and limit."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    lines = ["| method | limit | seeds | first third | last 128 episodes | greedy, fresh episodes | "
             f"seeds at {_SOLVED:.0%} of the limit | environment steps a seed |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]  # fmt: skip
    for method in methods:
        for limit in LIMITS:
            columns = {
                c: values(rows, c, method=method, limit=limit) for c in ("early", "last", "greedy", "env_steps")
            }
            if len(columns["last"]) == 0:
                continue
            solved = (columns["greedy"] >= _SOLVED * limit).sum()
            lines.append(
                f"| {method} | {limit} | {len(columns['last'])} | {_cell(columns['early'])} | "
                f"{_cell(columns['last'])} | {_cell(columns['greedy'])} | {solved} | "
                f"{columns['env_steps'].mean():,.0f} |"
            )
    return "\n".join(lines) + "\n"


def setting_table(rows: Sequence[dict], setting: str, column: str) -> str:
    """Table 5 (``learning_rate``) or 6 (``alpha``) as Markdown: ours, and the paper's in brackets."""

    def cells(method, surrogate, limit, samples):
        papers = TABLE_6[method, surrogate] if setting == "alpha" else TABLE_5[method]
        return [f"{sample.mean():.1f} ({paper:g})" for sample, paper in zip(samples, papers[limit], strict=True)]

    return _by_setting(rows, setting, column, cells)


def skipped_table(rows: Sequence[dict], setting: str) -> str:
    """Updates without a finite gradient, in % of all, by the same settings as Markdown."""
    updates = EPISODES // 16

    def cells(method, surrogate, limit, samples):
        return [f"{100 * sample.mean() / updates:.1f}" for sample in samples]

    return _by_setting(rows, setting, "nan_counts", cells)


def _by_setting(rows: Sequence[dict], setting: str, column: str, cells: Callable[..., list[str]]) -> str:
    """A line for each method, surrogate and limit, a column for each value of the setting."""
    settings = list(dict.fromkeys(row[setting] for row in rows))
    several = setting == "alpha"
    lines = [f"| method | {'surrogate | ' if several else ''}limit | " + " | ".join(settings) + " |",
             "| --- | " + ("--- | " if several else "") + "---: |" + " ---: |" * len(settings)]  # fmt: skip
    for method, surrogate in dict.fromkeys((row["method"], row["surrogate"]) for row in rows):
        for limit in LIMITS:
            chosen = {"method": method, "surrogate": surrogate, "limit": limit}
            samples = [values(rows, column, **chosen, **{setting: value}) for value in settings]
            if len(samples[0]) == 0:
                continue
            found = " | ".join(cells(method, surrogate, limit, samples))
            lines.append(f"| {method} | {surrogate + ' | ' if several else ''}{limit} | {found} |")
    return "\n".join(lines) + "\n"


def write_report(folder: Path) -> list[Path]:
    """Writes what there is of the sweeps as Markdown beside their CSVs.

    Returns:
        The files written.
    """
    written = []

    def write(name: str, *blocks: str) -> None:
        target = folder / name
        text = "\n".join(("<!-- Generated by `zoo sweep`; edits are overwritten. -->\n", *blocks))
        target.write_text(text, encoding="utf-8")
        written.append(target)

    fig7, plain = folder / "fig7.csv", folder / "fig7-plain.csv"
    if fig7.is_file():
        rows = read_rows(fig7)
        more = read_rows(plain) if plain.is_file() else []
        write("fig7.md", "# Four methods on CartPole after 3,840 episodes (Fig. 7)\n", final_table(rows + more))
        if _complete(rows, 4) and _complete(more, 2):
            write("claims.md", "# The paper's claims\n", "REINFORCE with a leave-one-out baseline:\n",
                  claims_table(claims(rows)),
                  "REINFORCE without a baseline and without normalised advantages "
                  f"({_seeds(more)} seeds; PGPE {_seeds(rows)}):\n",
                  claims_table(claims(more, " plain", rows)))  # fmt: skip
        elif _complete(rows, 4):
            write("claims.md", "# The paper's claims\n", claims_table(claims(rows)))
    for name, setting, title in (
        ("table5", "learning_rate", "Table 5: learning rates"),
        ("table6", "alpha", "Table 6: surrogate functions and alpha"),
    ):
        path = folder / f"{name}.csv"
        if path.is_file():
            rows = read_rows(path)
            write(
                f"{name}.md", f"# {title}\n", f"{_seeds(rows)} seeds; the paper's value in brackets.\n",
                "Mean return of the last 128 episodes, actions sampled:\n", setting_table(rows, setting, "last"),
                "Mean return of 100 fresh episodes, actions greedy:\n", setting_table(rows, setting, "greedy"),
                "Updates skipped, since their gradient or its square was not finite, in %:\n",
                skipped_table(rows, setting),
            )  # fmt: skip
    return written


def _seeds(rows: Sequence[dict]) -> int:
    return len({row["seed"] for row in rows})


def _complete(rows: Sequence[dict], methods: int) -> bool:
    return len({(row["method"], row["limit"]) for row in rows}) == methods * len(LIMITS)
