import dataclasses

import pytest

from zoo.cli import main
from zoo.models import PROPERTIES, NetworkConfig
from zoo.registry.methods import find_method
from zoo.registry.recipe import default_recipe, override
from zoo.training.methods.ppo_settings import PPOSettings

ROBOTS = ("ant", "hc", "hp", "wal")


@pytest.mark.parametrize("task", ROBOTS)
@pytest.mark.parametrize("kind", ["het", "hom"])
def test_robots_have_a_recipe_by_gradients(kind, task):
    recipe = default_recipe(f"{kind}snn-{task}-16384-bp")
    assert recipe.method == "ppo" and find_method("ppo").implementation("control").__name__ == "PPO"
    assert recipe.normalise_observations and recipe.open_ended and recipe.physics == "kernel"
    assert default_recipe(f"{kind}snn-{task}-16384").method == "pgpe"
    assert default_recipe(f"{kind}snn-cartpole500-1024-bp").method == "bp"


def test_options_reach_the_settings_of_ppo():
    recipe = default_recipe("hetsnn-hp-4096-bp")
    changed = override(recipe, epochs=2, discount=0.9, seeds=3)
    assert changed.settings == dataclasses.replace(recipe.settings, epochs=2, discount=0.9) and changed.seeds == 3
    assert not override(recipe, final_rate=0.1).open_ended
    with pytest.raises(ValueError, match="epochs"):
        override(recipe, epochs=0)
    with pytest.raises(ValueError, match="epochs"):
        override(recipe, epochs="many")
    with pytest.raises(ValueError, match="no `epochs`"):
        override(default_recipe("hetsnn-cartpole500-1024-bp"), epochs=2)


def test_help_tells_of_every_setting(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    told = capsys.readouterr().out
    for field in dataclasses.fields(PPOSettings):
        option = f"--{field.name.replace('_', '-')}"
        assert option in told, option
    assert "lambda of generalised advantage estimation" in " ".join(told.split())


def test_a_part_fits_and_divides():
    settings = PPOSettings()
    for hidden in (7, 256, 1024, 4096, 100_000):
        config = NetworkConfig(inputs=3, hidden=hidden, outputs=2, trained=PROPERTIES)
        for sequences in (32, 16, 5, 1):
            part = settings.part(config, sequences)
            assert sequences % part == 0 and (part == 1 or part * settings.steps * hidden <= 2**17)
