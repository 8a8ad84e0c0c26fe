import dataclasses
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from full_disk import small_files

from zoo.analysis.jacobians import factors, largest_factor, potentials, spectrum
from zoo.cli import main
from zoo.models import NetworkConfig, Neuron, Surrogate, lif_step
from zoo.registry.recipe import make_recipe
from zoo.report import gradient_figures, gradient_tables
from zoo.report.gradient_tables import (
    LIMITS,
    claims,
    claims_table,
    final_table,
    setting_table,
    skipped_table,
    verdicts,
    write_report,
)
from zoo.training.run import sweep as sweeps
from zoo.training.run.sweep import EPISODES, METHODS, SWEEPS, Cell, cells_of, sweep

PUBLISHED = Path(__file__).parent.parent / "docs/gradients"
NETWORK = NetworkConfig(inputs=3, hidden=6, outputs=2, trained=("x_tau",))


@pytest.mark.parametrize(("name", "count"), [("fig7", 16), ("fig7-plain", 8), ("table5", 8), ("table6", 16)])
def test_cells(name, count):
    cells = cells_of(name)
    assert len({tuple(cell.key.values()) for cell in cells}) == len(cells) == count
    for cell in cells:
        recipe = cell.recipe(seeds=3, quick=False)
        each = recipe.batch if recipe.method == "bp" else recipe.population * recipe.episodes
        assert recipe.generations * each == EPISODES == 3840
        assert recipe.seeds == 3


def test_unknown_sweep_lists_the_known():
    with pytest.raises(ValueError, match=f"table7.*{', '.join(SWEEPS)}"):
        cells_of("table7")


def test_curves_are_means_over_128_episodes():
    returns = np.arange(48, dtype=float).reshape(24, 2)  # [updates, R]
    windows = sweeps._windows(returns, make_recipe("hetsnn-cartpole500-1024-bp", batch=16))
    np.testing.assert_allclose(windows, returns.reshape(3, 8, 2).mean(1))
    np.testing.assert_allclose(
        sweeps._windows(returns, make_recipe("hetsnn-cartpole500-1024", population=128)), returns
    )


@pytest.fixture
def swept(tmp_path, monkeypatch):
    """Runs a quick sweep of some cells with two seeds: its files, and the rows of the first."""

    def run(name, *cells):
        monkeypatch.setattr(sweeps, "cells_of", lambda name: cells)
        files = sweep(name, tmp_path, seeds=2, quick=True, quiet=True)
        return files, gradient_tables.read_rows(files[0])

    return run


def test_a_sweep_goes_on_where_it_stopped(swept, tmp_path, monkeypatch, capsys):
    cell = Cell(method="NeuronBP", limit=30, varying=("learning_rate", (0.001, 0.1)))
    (results, curves), rows = swept("table5", cell)
    assert [(row["learning_rate"], row["seed"]) for row in rows] == [
        ("0.001", "0"), ("0.1", "0"), ("0.001", "1"), ("0.1", "1"),
    ]  # fmt: skip
    assert all(8 < float(row["last"]) <= 30 and 8 < float(row["greedy"]) <= 30 for row in rows)
    assert rows[0]["last"] != rows[1]["last"]
    assert float(rows[0]["env_steps"]) > 12 * 16
    before, curve = results.read_text(), curves.read_text()
    with curves.open("a") as file:  # Killed after a cell's curve, before its results.
        file.write("WeightBP,30,arctan,0.1,128,9,9,9\n")
    monkeypatch.setattr(sweeps, "run_cell", lambda *_: pytest.fail("trained again"))
    assert sweep("table5", tmp_path, seeds=2, quick=True, quiet=True) == [results, curves]
    assert results.read_text() == before and curves.read_text() == curve
    capsys.readouterr()
    assert main(["sweep", "table5", "--out", str(tmp_path), "--seeds", "2", "--quick", "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [str(results), str(curves)]
    assert results.read_text() == before
    with pytest.raises(ValueError, match=r"results of 2 seeds, not 3; use --fresh"):
        sweep("table5", tmp_path, seeds=3, quick=True, quiet=True)


CELLS = tuple(Cell(method=method, limit=100) for method in METHODS)
RATED = tuple(dataclasses.replace(cell, varying=("learning_rate", (0.01, 0.1))) for cell in CELLS)


def results_of(cell, seeds=3):
    """Rows as of a cell that was run."""
    name, values = cell.varying or ("", (0.0,))
    return [
        cell.key | ({name: f"{value:g}"} if name else {}) | {"seed": seed, "last": "99.0000", "nan_counts": 12}
        for seed in range(seeds)
        for value in values
    ]


@pytest.fixture
def sweep_of(tmp_path, monkeypatch):
    """Goes on with a sweep of some cells with three seeds that takes no time: the cells that it ran."""

    def run(cells, seeds=3):
        ran = []

        def run_cell(cell, seeds, quick, bar):
            ran.append(cell)
            return results_of(cell, seeds), [cell.key | {"episodes": 128, "mean": "50.0000"}]

        monkeypatch.setattr(sweeps, "cells_of", lambda name: cells)
        monkeypatch.setattr(sweeps, "run_cell", run_cell)
        sweep("fig7", tmp_path, seeds=seeds, quiet=True)
        return ran

    return run


def test_a_cell_is_there_as_a_whole_or_not_at_all_where_the_disk_is_full(sweep_of, tmp_path):
    sweep_of(CELLS)
    results, curves = tmp_path / "fig7.csv", tmp_path / "fig7-curves.csv"
    whole, curve = results.read_text(), curves.read_text()
    results.unlink()
    curves.unlink()
    sweep_of(CELLS[:2])
    half = results.read_text()
    with small_files(len(half) + 40), pytest.raises(OSError, match="File too large"):
        sweep_of(CELLS)
    assert results.read_text() == half
    assert {path.name for path in tmp_path.iterdir()} == {results.name, curves.name}
    assert sweep_of(CELLS) == list(CELLS[2:])
    assert (results.read_text(), curves.read_text()) == (whole, curve)


@pytest.mark.parametrize("cells", [CELLS, RATED], ids=["alone", "varying"])
def test_a_cell_that_was_torn_anywhere_is_run_again_and_its_rows_are_not_kept(sweep_of, tmp_path, cells):
    sweep_of(cells)
    results = tmp_path / "fig7.csv"
    whole = results.read_text()
    begin = whole.index(cells[3].method)
    for cut in range(begin, len(whole)):
        results.write_text(whole[:cut])
        assert sweep_of(cells) == [cells[3]], f"torn behind {whole[begin:cut]!r}"
        assert results.read_text() == whole


def test_cells_of_which_one_was_glued_to_a_torn_one_are_run_again(sweep_of, tmp_path):
    sweep_of(CELLS)
    results = tmp_path / "fig7.csv"
    whole = results.read_text()
    begin, end = whole.index(CELLS[2].method), whole.index(CELLS[3].method)
    for cut in range(begin + 1, end):
        results.write_text(whole[:cut] + whole[end:])
        ran = sweep_of(CELLS)
        assert CELLS[2] in ran and set(ran) <= {*CELLS[2:]}
        assert sorted(results.read_text().splitlines()) == sorted(whole.splitlines())


def test_a_torn_header_is_written_anew(sweep_of, tmp_path):
    sweep_of(CELLS)
    results = tmp_path / "fig7.csv"
    whole = results.read_text()
    for torn in ("", whole[:9], whole[: whole.index("\n")], whole[: whole.index("\n") + 1]):
        results.write_text(torn)
        assert sweep_of(CELLS) == list(CELLS)
        assert results.read_text() == whole


def test_a_file_of_other_seeds_stays_as_it_is(sweep_of, tmp_path):
    sweep_of(CELLS)
    before = {path: path.read_text() for path in tmp_path.iterdir()}
    for seeds in (2, 4):
        with pytest.raises(ValueError, match=rf"results of 3 seeds, not {seeds}; use --fresh"):
            sweep_of(CELLS, seeds)
    assert {path: path.read_text() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", SWEEPS)
def test_a_published_sweep_is_done_and_stays_as_it_is(name, tmp_path, monkeypatch):
    files = [f"{name}.csv", f"{name}-curves.csv"]
    for file in files:
        shutil.copy(PUBLISHED / file, tmp_path)
    monkeypatch.setattr(sweeps, "run_cell", lambda *_: pytest.fail("run again"))
    sweep(name, tmp_path, quiet=True)
    assert [(tmp_path / file).read_bytes() for file in files] == [(PUBLISHED / file).read_bytes() for file in files]


def test_a_sweep_runs_evolution_and_gradients(swept, tmp_path):
    _, rows = swept("fig7", *(Cell(method=method, limit=20) for method in ("NeuronES", "WeightBP plain")))
    assert [(row["method"], row["seed"]) for row in rows] == [
        ("NeuronES", "0"), ("NeuronES", "1"), ("WeightBP plain", "0"), ("WeightBP plain", "1"),
    ]  # fmt: skip
    assert all(8 < float(row["last"]) <= 20 for row in rows)
    with pytest.raises(ValueError, match=r"seeds \(=0\)"):
        sweep("fig7", tmp_path, seeds=0, quiet=True)


def synthetic(methods=METHODS, seeds=20, noise=0.02, **reaches):
    """Rows of Fig. 7 in which each method reaches a part of the limit, with some noise."""
    generator = np.random.default_rng(0)
    rows = []
    for method in methods:
        for limit in LIMITS:
            for seed in range(seeds):
                part = reaches[method.replace(" ", "_")] + noise * generator.standard_normal()
                cells = {column: f"{part * limit:.3f}" for column in ("early", "last", "greedy")}
                rows.append({"method": method, "limit": str(limit), "surrogate": "arctan", "seed": str(seed)}
                            | cells | {"env_steps": "1000", "nan_counts": "0"})  # fmt: skip
    return rows


def by_claim(rows):
    found = claims(rows)
    return {claim.text: verdict for claim, (_, verdict) in zip(found, verdicts(found), strict=True)}


def test_claims_hold_where_they_do_and_fail_where_they_do_not():
    as_the_paper = by_claim(synthetic(WeightBP=0.6, NeuronBP=0.2, WeightES=0.9, NeuronES=0.9))
    assert as_the_paper["BP sticks in long episodes where ES goes on (weights)"] == "holds"
    assert as_the_paper["BP optimises neuron properties less well than ES"] == "holds"
    assert as_the_paper["BP cannot optimise neuron properties (to half of the limit)"] == "holds"
    assert as_the_paper["BP converges faster than ES (weights)"] == "does not hold"
    alike = by_claim(synthetic(noise=0.0, WeightBP=0.6, NeuronBP=0.6, WeightES=0.6, NeuronES=0.6))
    assert alike["BP loses more than ES as episodes get longer (weights)"] == "not decided"
    otherwise = by_claim(synthetic(WeightBP=0.9, NeuronBP=0.9, WeightES=0.6, NeuronES=0.3))
    assert otherwise["BP converges faster than ES (weights)"] == "holds"
    assert otherwise["BP cannot optimise neuron properties (to half of the limit)"] == "does not hold"
    assert "does not hold" in claims_table(claims(synthetic(WeightBP=0.9, NeuronBP=0.9, WeightES=0.6, NeuronES=0.3)))


def test_verdicts_are_corrected_for_the_number_of_claims():
    """Of claims that are all about nothing, one in 20 is beyond its interval, and hardly ever one beyond Holm's."""
    beyond, decided = 0, 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        rows = synthetic(seeds=8, noise=0.0, WeightBP=0.5, NeuronBP=0.5, WeightES=0.5, NeuronES=0.5)
        for row in rows:
            for column in ("early", "last", "greedy"):
                row[column] = f"{float(row[column]) * (1 + 0.1 * generator.standard_normal()):.3f}"
        found = claims(rows)
        beyond += sum(not low < 0 < high for low, high in (claim.interval for claim in found))
        decided += any(verdict != "not decided" for _, verdict in verdicts(found))
    assert 20 < beyond < 80 and decided < 8  # Of 1,000 claims, and of 40 tables: 50 and 2 expected.


def test_final_table_counts_solved_seeds():
    text = final_table(synthetic(("WeightBP", "NeuronBP"), seeds=5, WeightBP=1.1, NeuronBP=0.5))
    rows = [line.split(" | ") for line in text.splitlines()[2:]]
    assert [row[6] for row in rows] == ["5"] * 4 + ["0"] * 4


def test_setting_tables_stand_beside_the_papers_numbers():
    rows = [
        {"method": m, "limit": str(limit), "surrogate": "arctan", "learning_rate": rate, "seed": "0", "last": "12.5"}
        for m in ("WeightBP", "NeuronBP")
        for limit in LIMITS
        for rate in ("0.001", "0.01", "0.03", "0.1", "0.3")
    ]
    lines = setting_table(rows, "learning_rate", "last").splitlines()
    assert lines[0] == "| method | limit | 0.001 | 0.01 | 0.03 | 0.1 | 0.3 |"
    assert lines[2] == "| WeightBP | 100 | 12.5 (55.7) | 12.5 (84.3) | 12.5 (81.2) | 12.5 (90.2) | 12.5 (39.9) |"
    assert lines[-1].startswith("| NeuronBP | 1000 | 12.5 (50.4)")


def test_skipped_updates_are_counted_in_percent_of_all():
    rows = [
        {"method": "WeightBP", "limit": "100", "surrogate": "arctan", "learning_rate": rate, "seed": str(seed),
         "nan_counts": str(count)}
        for rate, counts in (("0.1", (0, 0)), ("0.3", (24, 72))) for seed, count in enumerate(counts)
    ]  # fmt: skip
    assert skipped_table(rows, "learning_rate").splitlines()[2:] == ["| WeightBP | 100 | 0.0 | 20.0 |"]


def test_reports_and_the_figure_are_made_of_what_is_there(tmp_path):
    sweeps._append(tmp_path / "fig7.csv", synthetic(WeightBP=0.6, NeuronBP=0.2, WeightES=0.9, NeuronES=0.9))
    points = [
        {"method": m, "limit": limit, "surrogate": "arctan", "episodes": e, "mean": e / 50, "low": 1, "high": 90}
        for m in METHODS
        for limit in LIMITS
        for e in (128, 2000, 3840)
    ]
    sweeps._append(tmp_path / "fig7-curves.csv", points)
    assert [path.name for path in write_report(tmp_path)] == ["fig7.md", "claims.md"]
    files = gradient_figures.draw("cartpole-methods", tmp_path / "figures", tmp_path)
    assert {path.name for path in files} == {"cartpole_methods.svg", "cartpole_methods-dark.svg"}
    assert "neurons, PGPE" in files[0].read_text()
    with pytest.raises(FileNotFoundError, match="zoo sweep fig7"):
        gradient_figures.draw("cartpole-methods", tmp_path, tmp_path / "nothing")


def parts():
    generator = np.random.default_rng(3)
    spread = {"x_tau": generator.normal(-1, 1, 6), "v_rest": generator.normal(0, 0.2, 6), "r": np.full(6, 1.3)}
    return NETWORK.initial(0) | {name: value.astype(np.float32) for name, value in spread.items()}


@pytest.mark.parametrize("surrogate", [Surrogate("log-sign", 2.0), Surrogate("arctan", 1.0, detach_reset=True)])
def test_jacobians_along_an_episode_are_autodiffs(surrogate):
    p, inputs = parts(), 5 * np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32)
    neuron = Neuron.from_trained(p)
    u = potentials(p, inputs)
    found = factors(p, u, surrogate)
    v = p["v_rest"]
    for t, x in enumerate(inputs):
        step = jax.vmap(jax.value_and_grad(lambda v, i, n: lif_step(i, v, n, surrogate)[1]))
        v, jacobian = step(v, x @ p["w_in"], neuron)
        np.testing.assert_allclose(found[t], jacobian, rtol=1e-4, atol=1e-5)
    assert (u >= p["v_th"]).any()


def test_spectrum_of_known_factors():
    constant = np.tile([0.5, 1.1, 0.9], (60, 1))
    found = spectrum(constant, [1, 10, 50])
    np.testing.assert_allclose(found.norm, 1.1 ** np.array([1, 10, 50]))
    np.testing.assert_allclose(found.median, 0.9 ** np.array([1, 10, 50]))
    assert found.exceeding.tolist() == [1, 1, 1]
    constant[30] = 0.0
    vanished = spectrum(constant, [50])
    assert vanished.norm[0] < 1e-40
    assert spectrum(constant, [5], every=60).norm[0] == pytest.approx(1.1**5)
    with pytest.raises(ValueError, match="up to 61"):
        spectrum(constant, [61])


def test_where_one_factor_can_exceed_one():
    """For Table 4's neuron arctan cannot, with any alpha of Table 6; log-sign can, with all of them."""
    for alpha in (0.5, 1.0, 2.0, 4.0):
        assert largest_factor("arctan", alpha, 0.25) < 1
        assert largest_factor("log-sign", alpha, 0.25) > 1
    assert largest_factor("triangle", 1.0, 0.25) == pytest.approx(0.75, abs=1e-3)


def test_cells_name_networks_of_1024_parameters():
    assert Cell(method="NeuronBP plain", limit=500).model_name == "hetsnn-cartpole500-1024"
    assert Cell(method="WeightES", limit=100).model_name == "homsnn-cartpole100-1024"
    with pytest.raises(dataclasses.FrozenInstanceError):
        Cell(method="WeightES", limit=100).limit = 2
