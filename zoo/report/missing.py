"""What is still to be trained of the paper's Fig. 3 and Table 1."""

from collections.abc import Iterable, Iterator

from zoo.models import PROPERTIES
from zoo.registry.commands import changed_options
from zoo.registry.names import ModelName
from zoo.registry.paper import PAPER_SEEDS, TABLE_1, TABLE_1_BUDGET
from zoo.registry.recipe import default_recipe, override
from zoo.report.control_tables import counted, recipe_of, whole_generations
from zoo.store.catalogue import ModelInfo
from zoo.tasks.brax import FAMILY as BRAX


def wanted() -> Iterator[ModelName]:
    """Names of Fig. 3's models, those of Table 1's budget first, and then of Table 1's."""
    for budget in sorted(BRAX.budgets, key=lambda budget: (budget != TABLE_1_BUDGET, budget)):
        for kind in ("het", "hom"):
            yield from (ModelName(kind=kind, task=task, budget=budget) for task in BRAX.tasks)
    for properties in TABLE_1:
        if properties != PROPERTIES:
            yield from (
                ModelName(kind="het", task=task, budget=TABLE_1_BUDGET, properties=properties) for task in BRAX.tasks
            )


def missing_table(rows: Iterable[ModelInfo]) -> str:
    """Models that are not published, have fewer seeds or generations than asked for, or an older recipe, as Markdown.

    In the order in which they should be trained, so that a free processor takes the first: ``zoo train NAME``.

    Args:
        rows: published models.
    """
    published = {row.name: row for row in rows}
    names = [str(name) for name in wanted()]
    lines = [
        "| model | seeds of the paper's 5 | generations of its budget | trained otherwise than today |",
        "| --- | ---: | ---: | --- |",
    ]
    for name in names:
        row = published.get(name)
        seeds, done, otherwise = (row.seeds, whole_generations(row), _otherwise(row)) if row else (0, 0, "")
        recipe = default_recipe(name)
        budget = counted(recipe, recipe.generations)
        if seeds < PAPER_SEEDS or done < budget or otherwise:
            lines.append(f"| `{name}` | {seeds} | {done:,} of {budget:,} | {otherwise} |")
    complete = len(names) - (len(lines) - 2)
    return "\n".join(lines) + f"\n\n{complete} of {len(names)} models are complete.\n"


def _otherwise(row: ModelInfo) -> str:
    """What `zoo train` has to be told to train a published model as it was trained, but for seeds and physics."""
    usual = default_recipe(row.name)
    options = changed_options(row.name, override(recipe_of(row), seeds=usual.seeds, physics=usual.physics))
    return f"`{' '.join(options)}`" if options else ""
