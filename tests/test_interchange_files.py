"""NIR files: the same bytes, all that was said of them, and no file that is not one of ours gets through."""

import dataclasses
import shutil
import sys
import time
import types

import numpy as np
import pytest

import zoo
from zoo.analysis.null import null_neurons
from zoo.cli.main import main
from zoo.core.errors import ZooError
from zoo.drawing.firing import learning_curve
from zoo.evaluation import episodes
from zoo.interchange.exporting import export_nir, nir_graph
from zoo.interchange.graph import from_parts
from zoo.interchange.importing import import_nir
from zoo.interchange.metadata import describe, observation_order
from zoo.interchange.nir_files import as_nir, from_nir, read, write
from zoo.interchange.parts import to_parts
from zoo.models import NetworkConfig
from zoo.report.cards import make_card
from zoo.tasks import make_task
from zoo.tasks.brax import make_environment

h5py = pytest.importorskip("h5py")
nir = pytest.importorskip("nir")

CONFIG = NetworkConfig(inputs=3, hidden=6, outputs=2, trained=("x_tau",))


@pytest.fixture(scope="module")
def memory():
    return zoo.load("hetsnn-mem25-1024")


@pytest.fixture(scope="module")
def hopper():
    return zoo.load("homsnn-hp-4096")


def same_graph(a, b):
    assert {n: v.kind for n, v in a.nodes.items()} == {n: v.kind for n, v in b.nodes.items()}
    assert sorted(a.edges) == sorted(b.edges)
    for name, node in a.nodes.items():
        for field, value in node.fields.items():
            np.testing.assert_array_equal(value, b.nodes[name].fields[field])
    assert set(a.metadata) == set(b.metadata)
    for name, value in a.metadata.items():
        assert type(b.metadata[name]) is type(value)
        np.testing.assert_array_equal(value, b.metadata[name])


@pytest.mark.parametrize("reader", [None, "norse", "snntorch", "sinabs", "nirtorch"])
def test_written_twice_a_file_has_the_same_bytes(reader, memory, tmp_path):
    first = export_nir(memory, tmp_path / "a.nir", reader=reader)
    time.sleep(1.1)  # HDF5 would write times in seconds.
    assert export_nir(memory, tmp_path / "b.nir", reader=reader).read_bytes() == first.read_bytes()


@pytest.mark.parametrize("reader", [None, "snntorch"])
def test_all_that_is_said_comes_back(reader, hopper, tmp_path):
    graph = nir_graph(hopper, 1, reader=reader)
    same_graph(graph, read(write(graph, tmp_path / "a.nir")))
    said = graph.metadata
    assert said["model"] == "homsnn-hp-4096" and said["training_seed"] == 1 and said["dt_s"] == 0.005
    assert said["action_map"] == "clip(action_gain * readout, -1, 1)" and said["licence"] == "Apache-2.0"
    assert said["environment"] == "Brax hopper, backend spring, at most 1000 steps"
    assert len(said["observation_order"].split(", ")) == 11
    stats = (said["observation_mean"], said["observation_std"], said["observation_clip"])
    observation = np.random.default_rng(0).normal(0, 3, 11).astype(np.float32)
    normalised = np.clip((observation - stats[0]) / stats[1], -stats[2], stats[2])
    np.testing.assert_allclose(normalised, hopper.observe(observation, 1), rtol=1e-6)


def test_nir_reads_what_we_write_and_we_read_what_it_holds(hopper, tmp_path):
    graph = nir_graph(hopper, 0, normaliser="affine")
    theirs = nir.read(export_nir(hopper, tmp_path / "a.nir", 0, normaliser="affine"))
    assert theirs.metadata["model"] == "homsnn-hp-4096"
    same_graph(graph, read(tmp_path / "a.nir"))
    back = to_parts(from_nir(theirs))
    for name, value in hopper.parts(0).items():
        np.testing.assert_array_equal(back.parts[name], value)
    np.testing.assert_allclose(back.normaliser[0], graph.metadata["observation_mean"], rtol=1e-6)


def test_old_versions_of_nir_know_no_reset(memory, tmp_path):
    assert "v_reset" not in read(export_nir(memory, tmp_path / "a.nir", reader="sinabs")).nodes["hidden"].fields
    assert "v_reset" in read(export_nir(memory, tmp_path / "b.nir")).nodes["hidden"].fields


@pytest.mark.parametrize("task", ["mem25", "cartpole500", "ant", "hc", "hp", "wal", "mnist"])
def test_every_number_of_an_observation_has_a_name(task):
    sizes = {"mem25": 3, "cartpole500": 4, "ant": 27, "hc": 17, "hp": 11, "wal": 17, "mnist": 784}
    order = observation_order(make_task(task))
    assert len(order) == len(set(order)) == sizes[task]


def test_observations_of_another_task_are_numbered():
    task = types.SimpleNamespace(name="push", observation_size=2)
    assert observation_order(task) == ("observation 0", "observation 1")


@pytest.mark.parametrize(("task", "joints"), [("hp", 3), ("wal", 6), ("hc", 6), ("ant", 8)])
def test_joints_are_named_in_the_order_of_braxs_own_bodies(task, joints):
    # Brax names a body after its joint, but for the ant's, whose legs it numbers.
    system = make_environment(task, "spring").sys
    named = [name for name in observation_order(make_task(task)) if not {"rate", "velocity"} & set(name.split())][
        -joints:
    ]
    bodies = [name.lower() for name in system.link_names][-joints:]
    assert system.q_size() - joints == (7 if task == "ant" else 3)
    if task == "ant":
        assert named[::2] == [name.replace("aux_", "hip ") for name in bodies[::2]]
        assert named[1::2] == [name.replace("aux_", "ankle ") for name in bodies[::2]]
    else:
        parts = {"thigh", "leg", "foot", "shin"}
        assert [set(n.split()) & parts for n in named] == [{p for p in parts if p in b} for b in bodies]


def test_of_images_and_unknown_normalisers(memory):
    said = describe(zoo.load("hetsnn-mnist-4096"))
    assert said["steps"] == 4 and said["action_map"] == "argmax of the readout's mean over 4 steps"
    with pytest.raises(ValueError, match="nothing to normalise"):
        nir_graph(memory, normaliser="affine")
    with pytest.raises(ValueError, match=r"readout .=.foo.. must be one of li, affine, none"):
        nir_graph(memory, readout="foo")
    with pytest.raises(ValueError, match=r"normaliser \(='scale'\)"):
        nir_graph(memory, normaliser="scale")


def test_without_nir_the_error_says_what_to_install(monkeypatch, memory, tmp_path):
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(ZooError, match=r"hetsnn-zoo\[nir\]"):
        export_nir(memory, tmp_path / "a.nir")


@pytest.mark.parametrize("name", ["hetsnn-mem5-1024", "homsnn-mem5-1024"])
def test_a_published_model_imported_is_the_same_model(name, tmp_path):
    model = zoo.load(name)
    file = export_nir(model, tmp_path / "a.nir", model.seeds[2])
    folder, remarks = import_nir(file, tmp_path / name)
    back = zoo.load(folder)
    assert remarks == () and back.seeds == (model.seeds[2],) and back.name == name
    assert back.network_config.trained == model.network_config.trained
    for part, value in model.parts(model.seeds[2]).items():
        np.testing.assert_array_equal(back.parts()[part], value)
    assert back.evaluation["mean"] == 1.0
    assert "-curve.svg" not in make_card(back) and "last generation" not in make_card(back)
    assert not [path for path in zoo.publish(folder, dry_run=True).files if path.endswith("-curve.svg")]
    with pytest.raises(ValueError, match="has no learning curve"):
        learning_curve((folder / "training.csv").read_text(), name)
    with pytest.raises(ValueError, match="nothing is known of its training"):
        null_neurons(back)
    assert export_nir(back, tmp_path / "b.nir").read_bytes() == file.read_bytes()


def play_nothing(task, parts, stats, clip, episodes, seed, compiled):
    return np.zeros((1, 2)), np.ones((1, 2)), np.zeros(1)


def test_statistics_gain_and_clip_are_imported_exactly(hopper, tmp_path, monkeypatch):
    monkeypatch.setattr(episodes, "evaluate_parts", play_nothing)
    folder, _ = import_nir(export_nir(hopper, tmp_path / "a.nir", 2), tmp_path / "homsnn-hp-4096")
    back = zoo.load(folder)
    for name, value in back.observations.items():
        np.testing.assert_array_equal(value, hopper.observations[name][2:3])
    assert back.task() == hopper.task()
    assert back.config["recipe"]["observation_clip"] == hopper.config["recipe"]["observation_clip"]
    bare = nir_graph(hopper, 2, normaliser="affine")
    bare.metadata.clear()
    file = write(bare, tmp_path / "bare.nir")
    back = zoo.load(import_nir(file, tmp_path / "bare", name="homsnn-hp-4096")[0])
    x = np.random.default_rng(0).normal(0, 1, 11).astype(np.float32)
    stats = hopper.observation_stats(2)
    np.testing.assert_allclose(back.observe(x), (x - stats.mean) / np.sqrt(stats.m2 / stats.count), rtol=1e-3)


def test_what_other_simulators_write(tmp_path):
    """The same neuron of k = 1/4 and r = 1 as each of them exports it; checked against them in test_readers.py."""
    parts = CONFIG.initial(0)
    graph = from_parts(parts)
    ones, zeros = np.ones(6), np.zeros(6)
    half = parts["v_th"].astype(float)
    written = {
        # norse 1.1.0: dt times the time constant, scalars where all neurons are alike.
        "norse": {"tau": np.array(1e-3 * 4e-3), "r": np.array(1.0), "v_leak": np.array(0.0), "v_threshold": half[:1]},
        # snnTorch 1.0.0: a step of 0.1 ms and r = tau/dt, for an input that is not scaled.
        "snntorch": {"tau": 4e-4 * ones, "r": 4 * ones, "v_leak": zeros, "v_threshold": 4 * half},
        "sinabs": {"tau": -1 / np.log(0.75) * ones, "r": ones, "v_leak": zeros, "v_threshold": 4 * half},
    }
    for origin, fields in written.items():
        other = graph.with_node("hidden", "LIF", **fields)
        nodes = {name: node for name, node in other.nodes.items() if name != "readout"}
        other = type(other)(nodes, (*other.edges[:3], ("w_out", "output")))
        back = to_parts(other, origin)
        assert "leaky integrator" in back.remarks[0]
        np.testing.assert_allclose(back.parts["x_tau"], parts["x_tau"], rtol=1e-5)
        np.testing.assert_allclose(back.parts["r"] / back.parts["v_th"], 2.0, rtol=1e-5)
        np.testing.assert_array_equal(back.parts["w_in"], parts["w_in"])


def test_names_and_sizes_that_fit_no_task_are_refused(tmp_path):
    file = write(from_parts(CONFIG.initial(0)), tmp_path / "a.nir")
    with pytest.raises(ValueError, match="which model it is"):
        import_nir(file, tmp_path / "x")
    with pytest.raises(ValueError, match="3 inputs and 2 outputs; cartpole500 has observations of 4 numbers"):
        import_nir(file, tmp_path / "x", name="hetsnn-cartpole500-24")
    with pytest.raises(ZooError, match="unknown model name"):
        import_nir(file, tmp_path / "x", name="hopper")
    with pytest.raises(ValueError, match="origin"):
        import_nir(file, tmp_path / "x", origin="brian")
    with pytest.raises(FileNotFoundError):
        import_nir(tmp_path / "none.nir", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_command_line(tmp_path, capsys):
    file = str(tmp_path / "a.nir")
    assert main(["export-nir", "hetsnn-mem5-1024", "--for", "norse", "-o", file]) == 0
    assert "def load(path):" in capsys.readouterr().out
    assert main(["import-nir", file, "--to", str(tmp_path / "back")]) == 0
    out = capsys.readouterr()
    assert out.out.endswith("mean 1\n") and "leaky integrator" in out.err
    assert main(["card", str(tmp_path / "back")]) == 0
    assert "from the file a.nir; the graph ends" in capsys.readouterr().out
    assert main(["export-nir", "hetsnn-mem25-1024", "--for", "snntorch", "-o", file]) == 0
    assert "54 thresholds are not above rest (neurons " in capsys.readouterr().out
    assert main(["export-nir", "hetsnn-mem5-1024", "--for", "spyx", "-o", file]) == 2
    assert "subtracts the threshold" in capsys.readouterr().err


LAYERS = ("w_in", "hidden", "w_out", "readout")


def replace(group, name, value, **options):
    del group[name]
    group.create_dataset(name, data=value, **options)


def change(function):
    """A mutation of one array: `function` of it takes its place."""
    return lambda group, field: replace(group, field, function(group[field][()]))


def huge(group, field):
    del group[field]
    group.create_dataset(field, shape=(2**27,), dtype="f4", chunks=(2**16,))  # Nothing of it is stored.


FIELD_MUTATIONS = {
    "missing": lambda group, field: group.__delitem__(field),
    "nan": change(lambda x: np.full_like(x, np.nan)),
    "infinite": change(lambda x: np.where(np.arange(x.size).reshape(x.shape) == 1, np.inf, x)),
    "too long": change(lambda x: np.concatenate([x, x])),
    "too deep": change(lambda x: x[None, None]),
    "empty": change(lambda x: x[:0]),
    "text": lambda group, field: replace(group, field, "seven"),
    "complex": change(lambda x: x.astype(complex)),
    "huge": huge,
    "a group": lambda group, field: (group.__delitem__(field), group.create_group(field)),
    "elsewhere": lambda group, field: (
        group.__delitem__(field),
        group.__setitem__(field, h5py.ExternalLink("a.nir", "node/nodes/w_in/weight")),
    ),
}
FIELDS = [("w_in", "weight"), ("w_out", "weight"), *(("hidden", f) for f in ("tau", "r", "v_leak", "v_threshold"))]
FIELDS += [("readout", f) for f in ("tau", "r", "v_leak")]
OWN_MUTATIONS = {
    "negative tau": (lambda n: replace(n["hidden"], "tau", -n["hidden/tau"][()]), "`hidden`.*tau"),
    "tau of 0": (lambda n: replace(n["hidden"], "tau", 0 * n["hidden/tau"][()]), "`hidden`.*tau"),
    "tau below the step": (lambda n: replace(n["hidden"], "tau", n["hidden/tau"][()] / 10), "`hidden`.*step"),
    "negative tau of the readout": (lambda n: replace(n["readout"], "tau", -n["readout/tau"][()]), "`readout`"),
    "another readout": (lambda n: replace(n["readout"], "tau", 2 * n["readout/tau"][()]), "`readout`.*20 ms"),
    "leaking readout": (lambda n: replace(n["readout"], "v_leak", 1 + n["readout/v_leak"][()]), "`readout`"),
    "another reset": (lambda n: replace(n["hidden"], "v_reset", n["hidden/v_reset"][()] - 0.1), "`hidden` resets"),
    "no type": (lambda n: n["hidden"].__delitem__("type"), "`hidden`.*type"),
    "unknown type": (lambda n: replace(n["hidden"], "type", "Izhikevich"), "`hidden` is of type 'Izhikevich'"),
    "number as type": (lambda n: replace(n["hidden"], "type", 3), "`hidden`.*type"),
    "other type": (lambda n: replace(n["w_in"], "type", "LI"), "`w_in`.*lacks"),
    "no node": (lambda n: n.__delitem__("hidden"), "no node `hidden`"),
    "node as array": (lambda n: (n.__delitem__("w_in"), n.create_dataset("w_in", data=1.0)), "`w_in`"),
    "transposed": (lambda n: replace(n["w_in"], "weight", n["w_in/weight"][()].T), "`w_in`"),
    "other input": (lambda n: replace(n["input"], "shape", np.array([4])), "`input`"),
    "other output": (lambda n: replace(n["output"], "shape", np.array([7, 7])), "`output`"),
    "many nodes": (lambda n: [n.create_group(f"more{i}") for i in range(70)], "76 nodes"),
    "overflow": (lambda n: replace(n["hidden"], "r", np.full(6, 1e300)), "`hidden`.*overflows"),
}


def edges(*pairs):
    def mutate(nodes):
        replace(nodes.parent, "edges", [list(pair) for pair in pairs], dtype=h5py.string_dtype())

    return mutate


CHAIN = [("input", "w_in"), ("w_in", "hidden"), ("hidden", "w_out"), ("w_out", "readout"), ("readout", "output")]
EDGE_MUTATIONS = {
    "cycle": (edges(*CHAIN[:3], ("w_out", "w_in")), "`w_out` feeds `w_in`.*cycle"),
    "self": (edges(*CHAIN[:1], ("w_in", "w_in")), "cycle"),
    "fork": (edges(*CHAIN, ("hidden", "output")), "`hidden` feeds"),
    "gap": (edges(*CHAIN[:2], *CHAIN[3:]), "`output` is not on the way"),
    "short": (edges(("input", "w_in"), ("w_in", "output")), "not on the way"),
    "unknown": (edges(*CHAIN[:4], ("readout", "nowhere")), "no node `nowhere`"),
    "order": (edges(CHAIN[0], ("w_in", "w_out"), ("w_out", "hidden"), ("hidden", "readout"), CHAIN[4]), "graph is"),
    "numbers": (lambda nodes: replace(nodes.parent, "edges", np.zeros((2, 2))), "edges"),
    "triples": (lambda nodes: replace(nodes.parent, "edges", [["a", "b", "c"]], dtype=h5py.string_dtype()), "edges"),
    "none": (lambda nodes: nodes.parent.__delitem__("edges"), "lacks `edges`"),
}  # fmt: skip
METADATA_MUTATIONS = {
    "dt": ("dt_s", -1.0, "dt_s"),
    "text as dt": ("dt_s", "soon", "dt_s"),
    "seed": ("training_seed", -3, "training_seed"),
    "seed as float": ("training_seed", 0.5, "training_seed"),
    "model": ("model", 7, "which model"),
    "mean": ("observation_mean", np.zeros(5), "observation_mean"),
    "nan mean": ("observation_mean", np.full(3, np.nan), "observation_mean"),
    "clip": ("observation_clip", np.inf, "observation_clip"),
}


def mutations():
    for node, field in FIELDS:
        for name, mutate in FIELD_MUTATIONS.items():
            if (name, field) != ("too long", "weight"):
                yield f"{node}.{field} {name}", lambda n, m=mutate, g=node, f=field: m(n[g], f), f"`{node}`"
    for name, (mutate, says) in (OWN_MUTATIONS | EDGE_MUTATIONS).items():
        yield name, mutate, says
    for name, (key, value, says) in METADATA_MUTATIONS.items():
        yield f"metadata {name}", lambda n, k=key, v=value: say(n, k, v), says


def say(nodes, key, value):
    group = nodes.parent.require_group("metadata")
    if key in group:
        del group[key]
    group.create_dataset(key, data=value)


MUTATIONS = list(mutations())


def test_there_are_a_hundred_mutations():
    assert len(MUTATIONS) >= 100


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    from dataclasses import replace as with_

    graph = with_(from_parts(CONFIG.initial(0)), metadata={"model": "hetsnn-mem5-24", "training_seed": 0})
    return write(graph, tmp_path_factory.mktemp("small") / "a.nir")


@pytest.mark.parametrize(("name", "mutate", "says"), MUTATIONS, ids=[m[0] for m in MUTATIONS])
def test_a_mutated_file_is_refused_by_the_name_of_its_node(name, mutate, says, small_file, tmp_path):
    file = tmp_path / "mutated.nir"
    shutil.copy(small_file, file)
    with h5py.File(file, "r+") as opened:
        mutate(opened["node/nodes"])
    with pytest.raises(ValueError, match=says):
        import_nir(file, tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("content", [b"", b"spikes", b"\x89HDF\r\n\x1a\n" + bytes(100), None])
def test_what_is_no_hdf5_is_refused(content, small_file, tmp_path):
    file = tmp_path / "a.nir"
    file.write_bytes(small_file.read_bytes()[:-2000] if content is None else content)
    with pytest.raises(ValueError, match="not a NIR file"):
        read(file)


def test_an_hdf5_of_something_else_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.nir", "w") as file:
        file["weights"] = np.zeros(3)
    with pytest.raises(ValueError, match="lacks `node`"):
        read(tmp_path / "a.nir")


def test_a_graph_of_nir_itself_is_checked_as_a_file_is():
    graph = as_nir(from_parts(CONFIG.initial(0)))
    graph.nodes["hidden"].v_reset = graph.nodes["hidden"].v_reset - 0.1
    with pytest.raises(ValueError, match="`hidden` resets to another potential"):
        to_parts(from_nir(graph))
    graph.nodes["delay"] = nir.Delay(delay=np.array([1.0]))
    with pytest.raises(ValueError, match="`delay` is of type 'Delay'"):
        from_nir(graph)


def test_backend_and_limit_are_imported(hopper, tmp_path, monkeypatch):
    monkeypatch.setattr(episodes, "evaluate_parts", play_nothing)
    task = dataclasses.replace(hopper.task(), backend="positional", limit=500)
    monkeypatch.setattr(type(hopper), "task", lambda self: task)
    file = export_nir(hopper, tmp_path / "a.nir", 2)
    monkeypatch.undo()
    monkeypatch.setattr(episodes, "evaluate_parts", play_nothing)
    folder, _ = import_nir(file, tmp_path / "homsnn-hp-4096")
    assert zoo.load(folder).task() == task


def test_an_environment_of_ones_own_is_named():
    from zoo.interchange.metadata import environment
    from zoo.tasks.brax import BraxTask

    assert environment(BraxTask("reacher", environment_name="reacher")).startswith("Brax reacher, backend spring")
