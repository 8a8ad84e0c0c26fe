"""Trainings that are killed at random moments, again and again, and end at the bits of one that was not. One command:

    python tests/kills.py [--kills 100] [--seed 0] [--only mem hopper] [--folder FOLDER]

Killed (by SIGKILL, which no process can answer) are `zoo train` on memory length, CartPole, images and Hopper, there
by evolution and by gradients, with compiled physics and networks, on one device and on two, and `zoo export`: while
it starts and compiles, at any time of the training, and at, or a moment after, one of the file operations of a save
or of an export. Compared are the training's state, the curve, the firing rates, the evaluation and the parameters of
the checkpoint.
"""

import argparse
import collections
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SETTINGS = {
    "mem": ("hetsnn-mem5-32", ["--population", "8", "--generations", "300"]),
    "cartpole": ("homsnn-cartpole50-32", ["--population", "8", "--episodes", "2", "--generations", "60"]),
    "image": ("hetsnn-mnist-64", ["--population", "8", "--generations", "40"]),
    "hopper": (
        "hetsnn-hp-64",
        ["--population", "4", "--episode-limit", "40", "--generations", "40", "--physics", "kernel"],
    ),
    "gradients": (
        "hetsnn-hp-64-bp",
        "--environments 16 --steps 8 --minibatches 2 --episode-limit 40 --generations 200".split(),
    ),
}
SHARES = {"mem": 4, "cartpole": 3, "image": 3, "hopper": 2, "gradients": 2}
"""Of the kills: a robot's runs take longest."""
PHASES = ("start", "training", "training", "save", "save", "save", "export", "export")
_EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.utime", "shutil.rmtree"}
_DELAYS = (0.0, 0.0, 0.001, 0.01, 0.05)  # s, after an operation: its threads may be writing still.
_SECONDS = 3600.0  # A process that runs for longer hangs.
_TRIES = 20  # For each kill: a process may end before its moment comes.


@dataclasses.dataclass(frozen=True)
class Moment:
    """When a process dies: so many seconds into a phase, or so long after its n-th file operation."""

    phase: str
    operation: int = 0
    seconds: float = 0.0


class Dying:
    """Counts the file operations of saves and exports in this process, and ends it at one of them."""

    def __init__(self, moment: Moment | None):
        self.moment, self.phase, self.counts = moment, None, collections.Counter()

    def audit(self, event: str, _) -> None:
        if self.phase is None or event not in _EVENTS:
            return
        self.counts[self.phase] += 1
        moment = self.moment
        if moment and (self.phase, self.counts[self.phase]) == (moment.phase, moment.operation):
            if moment.seconds == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            threading.Timer(moment.seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()

    def during(self, phase: str, act):
        def run(*arguments, **options):
            before, self.phase = self.phase, phase
            try:
                return act(*arguments, **options)
            finally:
                self.phase = before

        return run


def child(report: Path, moment: Moment | None, data: Path | None, command: list[str]) -> int:
    """Runs a command of the zoo; `report` says when training began, and at the end how many operations there were."""
    from zoo.cli import main
    from zoo.training.run import export, loop

    dying = Dying(moment)
    loop.save_state = dying.during("save", loop.save_state)
    export.export_run = dying.during("export", export.export_run)
    advance = loop._advance

    def begin(*arguments):
        report.write_text("{}")
        return advance(*arguments)

    loop._advance = begin
    if data is not None:
        import pytest
        from image_files import tiny_sets

        tiny_sets(pytest.MonkeyPatch(), data / str(os.getpid()))
    sys.addaudithook(dying.audit)
    status = main(command)
    report.write_text(json.dumps(dying.counts))
    return status


@dataclasses.dataclass(frozen=True)
class Case:
    """A training on so many devices, in a folder of its own."""

    what: str
    devices: int
    folder: Path

    @property
    def name(self) -> str:
        return SETTINGS[self.what][0]

    def run(self, out: str, *, moment: Moment | None = None, export: bool = False) -> tuple[int, dict, float, float]:
        """Exit status, numbers of operations, and seconds before the training and in it."""
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        train = ["train", self.name, "--out", str(self.folder / out), "--seeds", "2", "--save-minutes", "1e-6"]
        command = ["export", str(self.folder / out / self.name)] if export else [*train, *SETTINGS[self.what][1]]
        driver = [
            sys.executable,
            __file__,
            "--child",
            str(report),
            json.dumps(moment and dataclasses.astuple(moment)),
        ]
        data = str(self.folder / "data") if self.what == "image" else ""
        cache = self.folder.parent / "cache"
        environment = os.environ | {
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={self.devices}",
            "JAX_PLATFORMS": "cpu",
            "JAX_COMPILATION_CACHE_DIR": str(cache / "jax"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.3",
            "XDG_CACHE_HOME": str(cache),
        }
        start, began = time.monotonic(), None
        log = (self.folder / "log.txt").open("ab")
        with log, subprocess.Popen([*driver, data, *command], env=environment, stdout=log, stderr=log) as process:
            while process.poll() is None:
                if began is None and report.exists():
                    began = time.monotonic()
                since = {"start": start, "training": began}.get(moment.phase) if moment else None
                if since is not None and time.monotonic() - since > moment.seconds:
                    process.kill()
                elif time.monotonic() - start > _SECONDS:
                    process.kill()
                    raise TimeoutError(f"{' '.join(command)} runs for {_SECONDS:g} s; see {log.name}")
                time.sleep(0.005)
        counts = json.loads(report.read_text() or "{}") if report.exists() else {}
        end = time.monotonic()
        return process.returncode, counts, (began or end) - start, end - (began or end)

    def content(self, out: str) -> dict[str, bytes]:
        """Everything that must be the same."""
        from zoo.store.checkpoint import read_checkpoint
        from zoo.training.run.state import saved_states

        from orbax.checkpoint import v1 as ocp  # isort: skip

        run = self.folder / out / self.name
        newest = saved_states(run / "state")[-1]
        params = read_checkpoint(run / "checkpoint").params
        found = {f"state {k}": v.tobytes() for k, v in ocp.load((newest / "arrays").resolve()).items()}
        found |= {f"{part} {k}": v.tobytes() for part, values in params.items() for k, v in values.items()}
        files = ("training.csv", "activity.csv", "checkpoint/training.csv", "checkpoint/evaluation.json")
        found |= {name: (run / name).read_bytes() for name in files if (run / name).is_file()}
        return found | {
            "newest state": newest.name.encode(),
            "leftovers": str(list(newest.parent.glob(".*"))).encode(),
        }


def choose(rng: random.Random, counts: dict, before: float, within: float) -> Moment:
    """A random moment of a run like the whole one."""
    phase = rng.choice(PHASES)
    if phase in ("start", "training"):
        return Moment(phase, seconds=rng.random() * (before if phase == "start" else within))
    return Moment(phase, rng.randint(1, counts[phase]), rng.choice(_DELAYS))


def campaign(case: Case, kills: int, rng: random.Random, say=print) -> tuple[collections.Counter, list[str]]:
    """Kills a training so many times; when one ends all the same, it is compared and the next begins.

    Returns:
        How many were killed by phase, and what differed or failed.
    """
    case.folder.mkdir(parents=True)
    killed, problems, round_ = collections.Counter(), [], 0
    # Twice: compiled programs are kept the first time.
    case.run("warm")
    status, counts, before, within = case.run("whole")
    if status:
        return killed, [f"{case.what}: exit status {status}; see {case.folder / 'log.txt'}"]
    whole = case.content("whole")

    def compare(out: str):
        content = case.content(out)
        differ = [key for key in whole.keys() | content.keys() if whole.get(key) != content.get(key)]
        problems.extend(f"{case.what}, {case.devices} device(s), {out}: {key} differs" for key in differ)

    while True:
        spent = sum(killed.values())
        moment = choose(rng, counts, before, within) if spent < kills - 1 else None
        status = case.run(f"killed{round_}", moment=moment)[0]
        if status == -signal.SIGKILL and moment is not None:
            killed[moment.phase] += 1
            continue
        if status:
            problems.append(f"{case.what}: exit status {status} after {moment}; see {case.folder / 'log.txt'}")
        else:
            compare(f"killed{round_}")
        if status or moment is None:
            break
        round_ += 1
        if round_ > _TRIES * kills:
            return killed, [*problems, f"{case.what}: {round_} ends, and only {spent} of {kills} kills"]
    if not status:  # The last kill is of `zoo export`, which then runs again.
        last = Moment("export", rng.randint(1, counts["export"]), rng.choice(_DELAYS))
        for _ in range(_TRIES):
            status = case.run(f"killed{round_}", moment=last, export=True)[0]
            if status:
                break
            last = Moment("export", rng.randint(1, counts["export"]))  # It had ended before.
        killed["zoo export"] += status == -signal.SIGKILL
        if status != -signal.SIGKILL:
            problems.append(f"{case.what}: zoo export ended with status {status}, not by a kill at {last}")
        elif case.run(f"killed{round_}", export=True)[0]:
            problems.append(f"{case.what}: zoo export failed after {last}")
        else:
            compare(f"killed{round_}")
    say(f"{case.what}, {case.devices} device(s): {sum(killed.values())} killed, {round_ + 1} ends; {dict(killed)}")
    return killed, problems


def main() -> int:
    """Prints how many were killed where, and what differed."""
    if "--child" in sys.argv:
        report, moment, data, *command = sys.argv[2:]
        fields = json.loads(moment)
        return child(Path(report), fields and Moment(*fields), Path(data) if data else None, command)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--folder", type=Path, help="kept, for looking into; by default a temporary one")
    arguments = parser.parse_args()
    rng, total, problems = random.Random(arguments.seed), collections.Counter(), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        cases = [Case(what, n, folder / f"{what}{n}") for what in arguments.only for n in (1, 2)]
        whole = sum(SHARES[case.what] for case in cases)
        for k, case in enumerate(cases, start=1):
            before, until = (sum(SHARES[c.what] for c in cases[:n]) * arguments.kills // whole for n in (k - 1, k))
            count = until - before
            killed, found = campaign(case, count, rng, say=lambda text: print(text, flush=True))
            total, problems = total + killed, problems + found
    print("\n".join(problems) or "all ends have the same bits")
    print(f"{sum(total.values())} killed: {dict(total)}")
    return bool(problems)


if __name__ == "__main__":
    raise SystemExit(main())
