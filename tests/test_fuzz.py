"""A short part of the campaign of `tests/fuzz.py`."""

import json
import random

import pytest
from fuzz import fuzz_checkpoint, mutate_bytes, mutate_json

from zoo.store.catalogue import bundled_folder


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_mutation_of_a_checkpoint_escapes():
    found = fuzz_checkpoint(bundled_folder() / "hetsnn-mem5-1024", 60)
    assert [(file, why) for file, outcome, why in found if outcome == "escaped"] == []
    assert sum(outcome == "refused" for _, outcome, _ in found) > 15


def test_mutations_change_something():
    rng, document = random.Random(0), {"a": [1, {"b": "text"}], "c": 2.5}
    changed = [mutate_json(document, rng) != document for _ in range(100)]
    assert sum(changed) > 80 and document == {"a": [1, {"b": "text"}], "c": 2.5}
    assert sum(mutate_bytes(b"0123456789" * 9, rng) != b"0123456789" * 9 for _ in range(100)) == 100
    assert json.dumps(document)
