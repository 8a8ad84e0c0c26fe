"""A short part of the campaign of `tests/fuzz.py`."""

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
from fuzz import fuzz_checkpoint, fuzz_hub, fuzz_run, mutate_bytes, mutate_json, try_one

import zoo
from zoo.store.catalogue import bundled_folder


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_mutation_of_a_checkpoint_escapes():
    found = fuzz_checkpoint(bundled_folder() / "hetsnn-mem5-1024", 60)
    assert [(file, why) for file, outcome, why in found if outcome == "escaped"] == []
    assert sum(outcome == "refused" for _, outcome, _ in found) > 15


# Orbax leaves other reads going on when one has failed, and they find their event loop closed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_mutation_of_a_runs_folder_escapes(tiny_run):
    found = fuzz_run(tiny_run, 60)
    assert [(file, why) for file, outcome, why in found if outcome == "escaped"] == []
    assert sum(outcome == "refused" for _, outcome, _ in found) > 5


def test_no_answer_of_a_hub_escapes(checkpoint):
    found = fuzz_hub(checkpoint, 40)
    assert [(what, why) for what, outcome, why in found if outcome == "escaped"] == []
    assert sum(outcome == "refused" for _, outcome, _ in found) > 10


@pytest.mark.parametrize("document", [[], {}, 1, "x", [1], {"sha": 1}, {"sha": None, "siblings": [{}]}])
def test_json_that_is_no_hubs_answer_is_said_in_a_line(hub, checkpoint, document):
    hub.add("org/name", checkpoint)
    hub.mutate = lambda status, data, headers: (status, json.dumps(document).encode(), headers)
    with pytest.raises(zoo.ZooError) as caught:
        zoo.load("hf://org/name")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="a peak is counted from the beginning here")
def test_memory_beyond_the_bound_escapes_also_after_a_higher_peak(tmp_path):
    np.ones(60_000_000)  # 480 MB, gone at once.
    outcome, why = try_one(tmp_path, lambda: np.ones(25_000_000))
    assert outcome == "escaped" and re.search(r"s, (19|2\d)\d MB", why)
    assert try_one(tmp_path, lambda: np.ones(1_000_000)) == ("loaded", "")


def test_mutations_change_something():
    rng, document = random.Random(0), {"a": [1, {"b": "text"}], "c": 2.5}
    changed = [mutate_json(document, rng) != document for _ in range(100)]
    assert sum(changed) > 80 and document == {"a": [1, {"b": "text"}], "c": 2.5}
    assert sum(mutate_bytes(b"0123456789" * 9, rng) != b"0123456789" * 9 for _ in range(100)) == 100
    assert json.dumps(document)
