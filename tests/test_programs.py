"""A process that plays or trains model after model keeps clear of the memory maps that Linux grants it."""

import jax
import jax.numpy as jnp
import pytest

import zoo
from zoo.core import programs
from zoo.training import train

pytestmark = pytest.mark.skipif(not programs._MAPS.exists(), reason="this system does not count memory maps")


@pytest.fixture
def limit(monkeypatch, tmp_path):
    """Sets how many memory maps the system seems to grant."""

    def grant(number) -> None:
        (tmp_path / "limit").write_text(f"{number}\n")
        monkeypatch.setattr(programs, "_LIMIT", tmp_path / "limit")

    return grant


def _maps() -> int:
    return len(programs._MAPS.read_text().splitlines())


def test_programs_are_forgotten_when_they_fill_half_of_what_there_is(limit):
    compiled = [jax.jit(lambda x, k=k: x + k) for k in range(40)]
    values = [float(double(jnp.float32(1))) for double in compiled]
    taken = _maps()
    limit(2 * taken + 100)
    programs.make_room_for_programs()
    assert _maps() >= taken - 10  # There was room.
    limit(2 * taken - 100)
    programs.make_room_for_programs()
    assert _maps() < taken - 60  # Each program is at least two.
    assert [float(double(jnp.float32(1))) for double in compiled] == values


def test_no_limit_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setattr(programs, "_LIMIT", tmp_path / "none")
    programs.make_room_for_programs()


def test_evaluations_and_trainings_make_room_first(limit, monkeypatch, tmp_path, tiny):
    forgotten = []
    monkeypatch.setattr(jax, "clear_caches", lambda: forgotten.append(True))
    limit(10)
    zoo.evaluate("hetsnn-mem5-1024", episodes=2)
    assert len(forgotten) == 1
    train("hetsnn-mem5-32", out=tmp_path, quiet=True, **tiny)
    assert len(forgotten) >= 2
