"""Which versions a fresh installation gets today, and what moved since the last look.

    python benchmarks/releases.py [--python PYTHON ...] [--write]

The pip of each interpreter resolves the zoo's own requirements without installing anything, and looks for newer
releases of what they name, which the zoo's bounds, or each other's, exclude. `--write` keeps the answer in
`benchmarks/releases.json`, with which the next run compares. Exit status 1 where something moved, or cannot be
resolved.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
KEPT = Path(__file__).with_suffix(".json")


def resolve(python: str, requirements: list[str], *options: str) -> dict[str, str] | str:
    """Versions by name that pip would install, or the last line of what it says."""
    command = [python, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed", "--report", "-"]
    done = subprocess.run([*command, *options, *requirements], capture_output=True, text=True)
    if done.returncode:
        return next((line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")), "pip failed")
    found = [item["metadata"] for item in json.loads(done.stdout)["install"]]
    return {item["name"].lower().replace("_", "-"): item["version"] for item in found}


def look(python: str, requirements: list[str]) -> dict:
    """What pip resolves, and the newest release of each requirement where that is another."""
    resolved = resolve(python, requirements)
    if isinstance(resolved, str):
        return {"problem": resolved}
    newer = {}
    for name in (re.split(r"[<>=\[]", requirement)[0] for requirement in requirements):
        newest = resolve(python, [name], "--no-deps")
        version = newest if isinstance(newest, str) else newest.get(name, "?")
        if version != resolved.get(name):
            newer[name] = version
    return {"resolved": dict(sorted(resolved.items())), "newer": newer}


def differences(before: dict, now: dict) -> list[str]:
    """What moved between two looks, line by line."""
    if "problem" in now:
        return [f"cannot be resolved: {now['problem']}"]
    lines = []
    for part in ("resolved", "newer"):
        old, new = before.get(part, {}), now[part]
        moved = (name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name))
        lines += [f"{part}: {name} {old.get(name, 'none')} -> {new.get(name, 'none')}" for name in moved]
    return lines


def main() -> int:
    """Prints what a fresh installation gets, and what moved."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="interpreters with pip")
    parser.add_argument("--write", action="store_true", help="keep the answer for the next run")
    arguments = parser.parse_args()
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    kept, failed = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}, False
    for python in arguments.python:
        code = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
        version = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        now = look(python, requirements)
        lines = differences(kept.get(version, {}), now)
        excluded = ", ".join(f"{name} {newest}" for name, newest in now.get("newer", {}).items()) or "none"
        print(f"Python {version}: {len(now.get('resolved', {}))} packages; excluded newer releases: {excluded}")
        print("".join(f"  {line}\n" for line in lines), end="", flush=True)
        failed |= bool(lines)
        kept[version] = now
    if arguments.write:
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
