import itertools

import pytest

from zoo.report.gradient_tables import claims, claims_table, final_table, verdicts
from zoo.training.run.sweep import LIMITS

PARTS = {"WeightBP": 0.6, "NeuronBP": 0.2, "WeightES": 0.9, "NeuronES": 0.9}


def rows(seeds):
    """Of methods whose seeds differ by a hundredth of the limit."""
    made = []
    for (method, part), limit, seed in itertools.product(PARTS.items(), LIMITS, range(seeds)):
        cells = dict.fromkeys(("early", "last", "greedy"), f"{limit * (part + 0.01 * seed):.3f}")
        made.append({"method": method, "limit": str(limit), "seed": str(seed), "env_steps": "10"} | cells)
    return made


@pytest.mark.parametrize(("seeds", "decided"), [(1, False), (4, False), (5, True)])
def test_few_seeds_decide_nothing(seeds, decided):
    found = claims(rows(seeds))
    assert ({verdict for _, verdict in verdicts(found)} == {"not decided"}) != decided
    assert [claim.interval is not None for claim in found] == [decided] * len(found)
    assert ("| - | - | not decided |" in claims_table(found)) != decided


def test_what_few_seeds_of_one_part_leave_open():
    """Five seeds of the gradient methods, two of evolution: what is said of the first alone stands."""
    found = claims(rows(5), evolution=rows(2))
    by_half = {True: set(), False: set()}
    for claim, (_, verdict) in zip(found, verdicts(found), strict=True):
        by_half["half of the limit" in claim.text].add(verdict)
    assert by_half == {True: {"holds"}, False: {"not decided"}}


def test_one_seed_has_a_value_and_no_interval():
    assert "| WeightBP | 100 | 1 | 60.0 | 60.0 | 60.0 |" in final_table(rows(1))
    assert "| WeightBP | 100 | 2 | 60.5 (54 to 67) |" in final_table(rows(2))
