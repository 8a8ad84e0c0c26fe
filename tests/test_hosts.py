"""Two processes on this machine compute what one does; process 0 alone touches the disk."""

import os
import signal
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

import zoo
from zoo.cli import main
from zoo.core.errors import ZooError
from zoo.training import train
from zoo.training.run import hosts
from zoo.training.run.state import saved_states

NAME = "hetsnn-cartpole30-32"
SMALL = {"seeds": 1, "population": 8, "generations": 6}
OPTIONS = [f"{option}={value}" for name, value in SMALL.items() for option in [f"--{name}"]]


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def start(out, *options):
    """`zoo train` in two processes with one device each and folders of their own."""
    code = "import sys; from zoo.cli import main; sys.exit(main(sys.argv[1:]))"
    port, processes = free_port(), []
    env = os.environ | {
        "JAX_COMPILATION_CACHE_DIR": jax.config.jax_compilation_cache_dir,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.3",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=1",
    }
    for i in range(2):
        command = [sys.executable, "-c", code, "train", NAME, "--out", str(out / str(i))]
        command += ["--quiet", "--coordinator", f"127.0.0.1:{port}", "--processes=2", f"--process-id={i}", *options]
        processes.append(
            subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    return processes


def finish(processes):
    """Standard output of both, after both ended well."""
    try:
        ended = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], [error[-2000:] for _, error in ended]
    return [output for output, _ in ended]


def arrays(folder):
    from orbax.checkpoint import v1 as ocp

    newest = saved_states(folder / "state")[-1]
    assert newest.name == f"{SMALL['generations']:08d}"
    return {name: np.asarray(value) for name, value in ocp.load((newest / "arrays").resolve()).items()}


def test_two_processes_stop_go_on_and_end_as_one_does(tmp_path):
    output, nothing = finish(start(tmp_path, *OPTIONS, "--max-minutes=0.00001"))
    assert "stopped at generation 1, state saved; run the same command to go on" in output
    output, nothing_again = finish(start(tmp_path, *OPTIONS))
    assert "trained 6 generations" in output
    assert nothing == nothing_again == "" and not (tmp_path / "1").exists()

    train(NAME, out=tmp_path / "alone", quiet=True, **SMALL)
    together, alone = arrays(tmp_path / "0" / NAME), arrays(tmp_path / "alone" / NAME)
    assert set(together) == set(alone)
    for key, value in together.items():
        np.testing.assert_allclose(value, alone[key], rtol=1e-4, atol=1e-5, err_msg=key)
    model = zoo.load(str(tmp_path / "0" / NAME / "checkpoint"))
    reference = zoo.load(str(tmp_path / "alone" / NAME / "checkpoint"))
    assert model.evaluation["mean"] == pytest.approx(reference.evaluation["mean"], rel=0.05)
    for name, value in model.trained.items():
        np.testing.assert_allclose(value, reference.trained[name], rtol=1e-4, atol=1e-5)


def test_a_signal_to_either_stops_both_with_the_state_saved(tmp_path):
    processes = start(tmp_path, "--seeds=1", "--population=8", "--generations=100000")
    curve = tmp_path / "0" / NAME / "training.csv"
    deadline = time.monotonic() + 200
    while not curve.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert curve.is_file()
    processes[1].send_signal(signal.SIGTERM)
    output, _ = finish(processes)
    assert "state saved; run the same command to go on" in output
    (state,) = saved_states(tmp_path / "0" / NAME / "state")
    assert curve.read_text().splitlines()[-1].startswith(f"{int(state.name)},")


def test_what_fails_on_process_0_ends_both(tmp_path):
    (tmp_path / "0").write_text("a file where the runs should be")
    processes = start(tmp_path, *OPTIONS)
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [2, 2]
    assert "choose another place with --out" in errors[0]
    assert "process 0 failed: ZooError: cannot write to" in errors[1]


def test_a_curve_that_cannot_be_written_ends_both(tmp_path):
    (tmp_path / "0" / NAME / "training.csv").mkdir(parents=True)
    processes = start(tmp_path, *OPTIONS)
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [2, 2]
    assert "it goes on from the last saved state" in errors[0]
    assert "process 0 failed: ZooError: cannot write" in errors[1]


def test_a_process_without_work_is_refused(monkeypatch):
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:6]).reshape(2, 3), ("runs", "members"))
    hosts.check_mesh(mesh)
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(ZooError, match=r"6 of 8 devices, which leaves process\(es\) \[1\] without work"):
        hosts.check_mesh(mesh)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--processes", "2"], "belong together"),
        (["--coordinator", "here", "--processes", "2", "--process-id", "0"], "must be HOST:PORT"),
        (["--coordinator", "h:1", "--processes", "2", "--process-id", "2"], "below processes"),
    ],
)
def test_wrong_options_are_explained(options, message, tmp_path, capsys):
    assert main(["train", "hetsnn-mem5-32", "--out", str(tmp_path), *options]) == 2
    assert message in capsys.readouterr().err


def test_one_process_alone_needs_no_others():
    assert hosts.is_main()
    assert hosts.from_main(lambda: {"a": 1}) == {"a": 1}
    np.testing.assert_array_equal(hosts.gather(1.5, True), [[1.5, 1.0]])
    with pytest.raises(ZeroDivisionError):
        hosts.from_main(lambda: 1 / 0)
