"""One step of a policy as an ONNX model: observation and potentials in, action and potentials out.

    inputs    observation [batch, o], v [batch, hidden], readout [batch, a]
    outputs   action, spikes [batch, hidden], next_v, next_readout

An episode begins with v = v_rest, an initializer of the model, and readout = 0. Of images, observations are pixels
from 0 to 1 times ``input_gain``, and there is no action: the class is the argmax of the mean readout. Where a task
makes actions of readouts in a way of its own there is none, either.
"""

import json
from pathlib import Path

import numpy as np

from zoo.core.packages import needed_for
from zoo.interchange.tensor_files import KEY, metadata
from zoo.models import TABLE_4, build
from zoo.models.spiking_mlp import READOUT_K
from zoo.store.zoo_model import ZooModel
from zoo.tasks.actions import is_choice
from zoo.tasks.brax import BraxTask
from zoo.tasks.images import ImageTask
from zoo.tasks.observations import std

_OPSET = 17
_IR_VERSION = 8


def export_onnx(model: ZooModel, path: str | Path, seed: int | None = None) -> Path:
    """Writes one step of one training seed's network, normalisation and action map included.

    Raises:
        ZooError: if ``onnx`` is not installed.
    """
    path = Path(path)
    with needed_for("an ONNX model", "onnx", extra="weights"):
        import onnx
    constants, nodes = _network(model, seed)
    observing = _normaliser(model, seed, constants)
    acting = _action(model, constants)
    graph = onnx.helper.make_graph(
        [_node(onnx, *line) for line in (*observing, *nodes, *acting)],
        "hetsnn_zoo_step",
        *_ports(onnx, model, constants["v_rest"].size, acts=bool(acting)),
        initializer=[onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [onnx.helper.make_opsetid("", _OPSET)]
    made = onnx.helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION, producer_name="hetsnn-zoo")
    onnx.helper.set_model_props(made, {KEY: json.dumps(metadata(model, seed), sort_keys=True)})
    onnx.checker.check_model(made, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made.SerializeToString(deterministic=True))
    return path


def _node(onnx, operator: str, inputs: str, output: str):
    """A node of an operator without attributes but those that it is named with, as ``Cast:to=1``."""
    name, _, attributes = operator.partition(":")
    pairs = (pair.split("=") for pair in attributes.split(",") if pair)
    return onnx.helper.make_node(name, inputs.split(), [output], **{key: int(value) for key, value in pairs})


def _network(model: ZooModel, seed: int | None) -> tuple[dict[str, np.ndarray], list[tuple[str, str, str]]]:
    """Eq. 2 and the readout, in the order of `zoo.models.network_step`'s operations."""
    network = build(model.parts(seed))
    arrays = {"k": network.neuron.k, "v_th": network.neuron.v_th, "v_rest": network.neuron.v_rest}
    arrays |= {"r": network.neuron.r, "w_in": network.w_in, "w_out": network.w_out, "k_out": READOUT_K}
    assert TABLE_4["v_rest"] == 0 and TABLE_4["r"] == 1
    return {name: np.asarray(value, np.float32) for name, value in arrays.items()}, [
        ("MatMul", "inputs w_in", "current"),
        ("Mul", "r current", "drive"),
        ("Sub", "drive v", "pull"),
        ("Add", "pull v_rest", "slope"),
        ("Mul", "k slope", "rise"),
        ("Add", "v rise", "u"),
        ("GreaterOrEqual", "u v_th", "fired"),
        ("Cast:to=1", "fired", "spikes"),
        ("Where", "fired v_rest u", "next_v"),
        ("MatMul", "spikes w_out", "sums"),
        ("Sub", "sums readout", "readout_pull"),
        ("Mul", "k_out readout_pull", "readout_rise"),
        ("Add", "readout readout_rise", "next_readout"),
    ]


def _normaliser(model: ZooModel, seed: int | None, constants: dict[str, np.ndarray]) -> list[tuple[str, str, str]]:
    stats = model.observation_stats(seed)
    if stats is None:
        return [("Identity", "observation", "inputs")]
    clip = np.asarray(model.recipe.observation_clip, np.float32)
    constants |= {"mean": np.asarray(stats.mean), "std": np.asarray(std(stats)), "low": -clip, "high": clip}
    return [
        ("Sub", "observation mean", "deviation"),
        ("Div", "deviation std", "scaled"),
        ("Clip", "scaled low high", "inputs"),
    ]


def _action(model: ZooModel, constants: dict[str, np.ndarray]) -> list[tuple[str, str, str]]:
    task = model.task()
    if isinstance(task, ImageTask):
        return []
    if not isinstance(task, BraxTask):
        return [("ArgMax:axis=-1,keepdims=0", "next_readout", "action")] if is_choice(task) else []
    constants["action_gain"] = np.float32(task.action_gain)
    gained = ("Mul", "action_gain next_readout", "gained")
    if task.action_map == "tanh":
        return [gained, ("Tanh", "gained", "action")]
    constants |= {"action_low": np.float32(-1), "action_high": np.float32(1)}
    return [gained, ("Clip", "gained action_low action_high", "action")]


def _ports(onnx, model: ZooModel, hidden: int, *, acts: bool):
    """Inputs and outputs with their shapes."""
    sizes, real = model.network_config, onnx.TensorProto.FLOAT
    shapes = {
        "observation": sizes.inputs, "v": hidden, "readout": sizes.outputs,
        "spikes": hidden, "next_v": hidden, "next_readout": sizes.outputs,
    }  # fmt: skip
    ports = {name: onnx.helper.make_tensor_value_info(name, real, ["batch", size]) for name, size in shapes.items()}
    if isinstance(model.task(), BraxTask):
        action = onnx.helper.make_tensor_value_info("action", real, ["batch", sizes.outputs])
    else:
        action = onnx.helper.make_tensor_value_info("action", onnx.TensorProto.INT64, ["batch"])
    inputs = [ports[name] for name in ("observation", "v", "readout")]
    outputs = [ports[name] for name in ("spikes", "next_v", "next_readout")]
    return inputs, [action, *outputs] if acts else outputs
