import numpy as np
import pytest

from zoo.analysis.disturbances import robustness
from zoo.analysis.firing import fi_curves, record, respond
from zoo.analysis.interventions import intervene
from zoo.evaluation.episodes import evaluate_parts
from zoo.models import TABLE_4
from zoo.store.loading import load


def neurons(**changes):
    values = TABLE_4 | changes
    return {name: np.atleast_1d(np.asarray(value, np.float32)) for name, value in values.items()}


def test_table_4_neuron_fires_with_the_period_of_the_closed_form():
    # From rest u_n = RI (1 - (1 - k)^n); with RI = 0.75 V, k = 1/4 the threshold of 0.5 V is reached at n = 4.
    response = respond(neurons(), [15.0], 400.0)
    assert np.flatnonzero(response.spikes[0, :, 0])[:3].tolist() == [3, 7, 11]
    assert response.rates_hz[0, 0] == pytest.approx(1000 / (4 * 5))
    np.testing.assert_allclose(response.v[0, :4, 0], [0.75 * (1 - 0.75**n) for n in (1, 2, 3)] + [0.0], rtol=1e-6)


def test_current_below_threshold_does_not_fire_and_the_most_is_a_spike_each_step():
    rates = fi_curves(neurons(), np.array([0.0, 9.9, 10.5, 1000.0])).rates_hz[:, 0]
    assert rates[0] == rates[1] == 0 < rates[2] < rates[3] == 200


def test_resistance_scales_the_current():
    one = fi_curves(neurons(r=1.0), np.array([12.0, 24.0])).rates_hz
    two = fi_curves(neurons(r=2.0), np.array([6.0, 12.0])).rates_hz
    np.testing.assert_array_equal(one, two)


def test_neuron_that_rests_above_its_threshold_fires_without_input():
    assert respond(neurons(v_rest=0.6), [0.0], 50.0).spikes.all()


def test_too_short_a_current_is_refused():
    with pytest.raises(ValueError, match="duration_ms"):
        respond(neurons(), [15.0], 5.0)


def test_recording_is_the_episode_that_the_evaluation_plays(checkpoint):
    model = load(str(checkpoint))
    parts = {name: value[None] for name, value in model.parts(1).items()}
    returns, lengths, rates = evaluate_parts(model.task(), parts, None, 5.0, 2, seed=0)
    played = [record(model, 1, episode=episode) for episode in (0, 1)]
    assert [float(one.rewards.sum()) for one in played] == returns[0].tolist()
    assert [len(one.rewards) for one in played] == lengths[0].tolist() == [6, 6]
    assert np.mean([one.spikes.mean() for one in played]) == pytest.approx(rates[0], rel=1e-5)
    assert played[0].times_ms.tolist() == [5, 10, 15, 20, 25, 30]
    assert np.all(played[0].v[played[0].spikes == 0] < np.broadcast_to(parts["v_th"], (6, 8))[played[0].spikes == 0])


def test_networks_for_images_play_no_episodes():
    model = load("hetsnn-mnist-4096")
    for analyse in (record, intervene, lambda model: robustness([model])):
        with pytest.raises(ValueError, match="classifies images"):
            analyse(model)


def test_unknown_training_seed(checkpoint):
    with pytest.raises(ValueError, match="must be an integer from 0"):
        record(load(str(checkpoint)), episode=-3)
    with pytest.raises(ValueError, match="training seed 7"):
        record(load(str(checkpoint)), 7)
