"""safetensors and ONNX: the same numbers, and one step that is the policy's."""

import json
import sys

import numpy as np
import pytest

import zoo
from zoo.cli.main import main
from zoo.core.errors import ZooError
from zoo.interchange.onnx_files import export_onnx
from zoo.interchange.tensor_files import KEY, export_safetensors

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
safetensors = pytest.importorskip("safetensors")

MODELS = ("hetsnn-mem25-1024", "homsnn-hp-4096", "hetsnn-ant-4096", "homsnn-cartpole500-1024")


def test_safetensors_hold_the_network_and_what_stands_around_it(tmp_path):
    model = zoo.load("homsnn-hp-4096")
    file = export_safetensors(model, str(tmp_path / "a.safetensors"), 1)
    with safetensors.safe_open(file, "np") as opened:
        arrays = {name: opened.get_tensor(name) for name in opened.keys()}
        said = json.loads(opened.metadata()[KEY])
    for name in ("v_th", "v_rest", "r", "w_in", "w_out"):
        np.testing.assert_array_equal(arrays[name], model.parts(1)[name])
    np.testing.assert_allclose(arrays["tau_ms"], model.neurons(1)["tau_ms"], rtol=1e-6)
    np.testing.assert_allclose(arrays["k"] * arrays["tau_ms"], said["dt_s"] * 1000, rtol=1e-6)
    assert said["model"] == "homsnn-hp-4096" and said["training_seed"] == 1 and "equations" in said
    policy, observation = zoo.policy(model, seed=1), np.linspace(-1, 1, 11, dtype=np.float32)
    scaled = (observation - arrays["observation_mean"]) / arrays["observation_std"]
    drive = arrays["r"] * (np.clip(scaled, -said["observation_clip"], said["observation_clip"]) @ arrays["w_in"])
    u = arrays["v_rest"] + arrays["k"] * drive  # The equations that the file states, from rest.
    policy.act(observation)
    np.testing.assert_array_equal(u >= arrays["v_th"], policy.spikes)
    np.testing.assert_allclose(0.25 * policy.spikes @ arrays["w_out"], policy.readout, atol=1e-5)


@pytest.mark.parametrize("write", [export_safetensors, export_onnx])
def test_written_twice_a_file_has_the_same_bytes(write, tmp_path):
    model = zoo.load("homsnn-hp-4096")
    assert len({write(model, tmp_path / f"{i}").read_bytes() for i in range(4)}) == 1


@pytest.mark.parametrize("name", MODELS)
def test_a_step_in_onnxruntime_is_the_policys(name, tmp_path):
    model = zoo.load(name)
    file = export_onnx(model, str(tmp_path / "a.onnx"))
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    policy = zoo.policy(model)
    policy.reset(batch=1)
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in onnx.load(file).graph.initializer}
    v, readout = constants["v_rest"][None], np.zeros_like(policy.readout)
    rng, fired = np.random.default_rng(0), 0
    for _ in range(1000):
        observation = rng.normal(0, 1.5, (1, policy.observation_size)).astype(np.float32)
        action, spikes, v, readout = session.run(None, {"observation": observation, "v": v, "readout": readout})
        np.testing.assert_allclose(action, policy.act(observation), atol=1e-5)
        np.testing.assert_array_equal(spikes, policy.spikes)
        np.testing.assert_allclose(readout, policy.readout, atol=1e-5)
        fired += spikes.mean()
    assert 10 < fired < 900
    assert json.loads(session.get_modelmeta().custom_metadata_map[KEY])["model"] == name


def test_an_image_model_has_no_action(tmp_path):
    file = export_onnx(zoo.load("homsnn-mnist-4096"), tmp_path / "a.onnx")
    assert [output.name for output in onnx.load(file).graph.output] == ["spikes", "next_v", "next_readout"]


def test_command_line(tmp_path, capsys):
    for suffix in (".onnx", ".safetensors"):
        assert main(["export-weights", "hetsnn-mem5-1024", "-o", str(tmp_path / f"a{suffix}")]) == 0
        assert capsys.readouterr().out.strip() == str(tmp_path / f"a{suffix}")
    assert main(["export-weights", "hetsnn-mem5-1024", "-o", "a.pt"]) == 2
    assert "must end in .safetensors or .onnx" in capsys.readouterr().err


@pytest.mark.parametrize(("package", "write"), [("onnx", export_onnx), ("safetensors", export_safetensors)])
def test_without_its_package_the_error_says_what_to_install(package, write, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ZooError, match=r"hetsnn-zoo\[weights\]"):
        write(zoo.load("hetsnn-mem5-1024"), tmp_path / "a")


def test_arrays_that_lie_in_another_order_are_written_as_they_are(tmp_path):
    model = zoo.load("homsnn-mem5-1024")
    turned = {name: np.asfortranarray(value) for name, value in model.parts(0).items()}

    class Turned:
        def __getattr__(self, name):
            return getattr(model, name)

        def parts(self, seed=None):
            return turned

    file = export_safetensors(Turned(), tmp_path / "a.safetensors", 0)
    with safetensors.safe_open(file, "np") as opened:
        for name in ("w_in", "w_out"):
            assert turned[name].shape[0] > 1 and not turned[name].flags.c_contiguous
            np.testing.assert_array_equal(opened.get_tensor(name), turned[name])
