import io
from typing import NamedTuple

import jax
import numpy as np
import rich.console

from zoo.core.progress import working
from zoo.training import train
from zoo.training.run.progress import Progress


class Metrics(NamedTuple):
    mean: np.ndarray
    best: np.ndarray
    nan_gradients: np.ndarray


def told(capsys, mean, best, nans):
    with Progress(1, 0, quiet=False) as bar:
        bar.update(1, [Metrics(*(np.array([x]) for x in (mean, best, nans)))])
    return "".join(capsys.readouterr())


def test_reward_of_the_last_generation(capsys):
    text = told(capsys, [3.0, 5.0], [7.0, 6.0], [0, 2])
    assert "generation 1/1  reward 4 (runs 3 to 5), best 7, 2 NaN gradients" in text


def test_runs_without_an_ended_episode_are_left_out(capsys):
    assert "reward 5 (runs 5 to 5), best 6" in told(capsys, [np.nan, 5.0], [np.nan, 6.0], [0, 0])
    assert "generation 1/1  no episode has ended yet\n" in told(capsys, [np.nan] * 2, [np.nan] * 2, [0, 0])


class WithLength(NamedTuple):
    mean: np.ndarray
    best: np.ndarray
    length: np.ndarray
    nan_members: np.ndarray


def test_returns_that_are_no_numbers_are_told_from_episodes_that_go_on(capsys):
    nans, ones = np.full((1, 2), np.nan), np.ones((1, 2))
    for length, said in ((nans, "no episode has ended yet"), (12 * ones, "no return is a finite number")):
        with Progress(1, 0, quiet=False) as bar:
            bar.update(1, [WithLength(nans, nans, length, ones)])
        assert said in "".join(capsys.readouterr())


def test_the_first_line_of_a_training_names_what_it_runs_on(tmp_path, capsys, tiny):
    train("hetsnn-mem5-32", out=tmp_path, **tiny)
    first, *_ = "".join(capsys.readouterr()).splitlines()
    assert first == f"training on {jax.device_count()} CPU cores"


def test_a_sign_of_life_says_what_it_is_given(monkeypatch):
    console = rich.console.Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr("rich.console.Console", lambda **_: console)
    with working("./br{x}/[bold]NAME: compiling"):
        pass
    assert "./br{x}/[bold]NAME: compiling" in console.file.getvalue()
