import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.core.errors import UnknownModelError
from zoo.registry.families import KINDS
from zoo.registry.names import ModelName, expand, known_names, parse
from zoo.tasks.images import _HIDDEN


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("hetsnn-hc-16384", 4096),
        ("hetsnn-hc-16384-tau", 16384),
        ("hetsnn-hc-16384-tau-r", 8192),
        ("homsnn-mem25-1024", 205),
        ("fullsnn-hc-16384-bp", 607),
        ("hetsnn-cartpole500-1024-bp", 256),
    ],
)
def test_budget_decides_the_width(name, hidden):
    inputs, outputs = (17, 6) if "hc" in name else (3, 2)
    assert parse(name).hidden(inputs, outputs) == hidden


@pytest.mark.parametrize(("budget", "hidden"), _HIDDEN.items())
def test_homogeneous_image_networks_have_table_3s_counts(budget, hidden):
    parameters = {4096: 3970, 8192: 7940, 16384: 16674, 32768: 33348}[budget]
    assert parse(f"homsnn-mnist-{budget}").hidden(784, 10) == hidden
    assert hidden * (784 + 10) == parameters


@pytest.mark.parametrize(
    ("wrong", "suggestion"),
    [
        ("hetsn-mem25-1024", "hetsnn-mem25-1024"),
        ("hetsnn-halfcheetah-16384", "did you mean hetsnn-hc-16384"),
        ("hetsnn-Hopper-4096", "did you mean hetsnn-hp-4096"),
        ("hetsnn-mem10", "did you mean hetsnn-mem10-1024"),
        ("homsnn-fashion-mnist-4096", "homsnn-fmnist-4096"),
        ("hetsnn-hc-16384-r-tau", "hetsnn-hc-16384-tau-r"),
        ("homsnn-hc-16384-tau", "hetsnn-hc-16384-tau"),
        ("fullsnn-hc-16384-tau", "hetsnn-hc-16384-tau"),
        ("fullsnn-halfcheetah-16384", "did you mean fullsnn-hc-16384"),
        ("hetsnn-hc-16384-tau-vth-rest-r", "did you mean hetsnn-hc-16384?"),
        ("hetsnn-mem5-1024-tau-vth-rest-r-bp", "did you mean hetsnn-mem5-1024-bp?"),
        ("hetsnn-mem25-3", "less than one neuron"),
        ("hetsnn-mem0-1024", "mem"),
        ("hetsnn-mem25-1024\n", "hetsnn-mem25-1024"),
        ("", "zoo list"),
    ],
)
def test_unknown_name_suggests_what_may_be_meant(wrong, suggestion):
    with pytest.raises(UnknownModelError, match=r"unknown model name|budget") as caught:
        parse(wrong)
    assert suggestion in str(caught.value)


@given(
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["mem1", "mem100", "cartpole500", "ant", "hc", "hp", "wal", "mnist", "fmnist"]),
    st.integers(4, 10**6),
    st.booleans(),
)
def test_names_round_trip(kind, task, budget, bp):
    name = str(ModelName(kind=kind, task=task, budget=budget, trainer="bp" if bp else "pgpe"))
    assert str(parse(name)) == name


@given(st.sets(st.sampled_from(["tau", "vth", "rest", "r"]), min_size=1, max_size=3))
def test_property_subsets_round_trip(tags):
    name = "-".join(["hetsnn-hc-16384", *(t for t in ("tau", "vth", "rest", "r") if t in tags)])
    assert str(parse(name)) == name
    assert len(parse(name).properties) == len(tags)


def test_patterns_expand_to_the_papers_tables():
    assert expand("hetsnn-hc-1*,homsnn-hp-4096") == [
        "hetsnn-hc-1024", "hetsnn-hc-16384", *(n for n in known_names() if n.startswith("hetsnn-hc-16384-")),
        "homsnn-hp-4096",
    ]  # fmt: skip
    assert len([n for n in known_names() if n.startswith("hetsnn-ant-16384")]) == 15  # Table 1.
    assert all(str(parse(name)) == name for name in known_names())
    with pytest.raises(UnknownModelError, match="matches 'foo"):
        expand("foo*")


def test_the_papers_numbers_are_of_all_four_properties():
    from zoo.registry.families import family_of

    cartpole = family_of("cartpole500")
    assert "Tables 5 and 6" in cartpole.paper_text(parse("hetsnn-cartpole500-1024-bp"))
    assert cartpole.paper_text(parse("hetsnn-cartpole500-1024-tau-bp")) == "not reported"
    assert cartpole.paper_text(parse("hetsnn-cartpole500-1024")) == "only as a curve (Fig. 7)"
    assert cartpole.paper_text(parse("hetsnn-cartpole123-1024")) == "not reported"
    assert cartpole.paper_text(parse("hetsnn-cartpole500-64")) == "not reported"
