"""The `zoo` command: one thin layer over the library."""

import argparse
import sys

from zoo.cli.analysis import add_verbs as add_analysis_verbs
from zoo.cli.elsewhere import add_verbs as add_elsewhere_verbs
from zoo.cli.hub import add_verbs as add_hub_verbs
from zoo.cli.models import add_verbs as add_model_verbs
from zoo.cli.reports import add_verbs as add_report_verbs
from zoo.cli.training import add_verbs as add_training_verbs
from zoo.cli.verbs import Verb
from zoo.core.errors import ZooError
from zoo.core.formatting import shown
from zoo.core.quiet import quiet_libraries

_EXAMPLES = """examples:
  zoo list 'hetsnn-*'                 what is published, with measured rewards
  zoo card hetsnn-mem25-1024          everything about one model
  zoo eval hetsnn-mem25-1024          measure it again on fresh episodes
  zoo train hetsnn-mem25-1024         train it from scratch; run again to go on
  zoo verify                          does every card's claim hold here?
"""


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 good, 1 a claim does not hold, 2 an error, 141 nobody reads on."""
    _print_anywhere()
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    if not arguments.verbose:
        quiet_libraries()
    try:
        status = arguments.run(arguments)
        print(end="", flush=True)
        return status
    except BrokenPipeError:
        if arguments.debug:
            raise
        return _without_reader()
    except (ZooError, ValueError, OSError) as error:
        if arguments.debug:
            raise
        print(shown(f"zoo {arguments.verb}: {error}"), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"zoo {arguments.verb}: interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # Nobody is helped by pages of Python for a file that the zoo does not understand.
        if arguments.debug:
            raise
        print(shown(_unforeseen(arguments, error)), file=sys.stderr)
        return 2


def _print_anywhere() -> None:
    """Has a terminal show `?` for a sign that it does not know, as one of ASCII does not know ±."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _without_reader() -> int:
    """Status after a reader such as ``head`` has had enough: what is left is for nobody, and so is a complaint."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + 13  # As if SIGPIPE had ended it.


def _unforeseen(arguments: argparse.Namespace, error: Exception) -> str:
    """What is said of an error that nobody thought of: of which input, and how to report it."""
    given = (getattr(arguments, name, None) for name in ("name", "names", "run_folder", "pattern", "out"))
    about = next((str(value) for value in given if value), "what it was given")
    first = next(iter(str(error).splitlines()), "")
    return (
        f"zoo {arguments.verb}: {about}: {type(error).__name__}: {first}\n"
        "This should have been a clearer message. Please report it with the output of the same command after "
        f"`zoo --debug {arguments.verb} ...`, and the files that it reads"
    )


class _Version(argparse.Action):
    """Prints versions, which are looked up no earlier: most commands need none."""

    def __call__(self, parser, namespace, values, option_string=None):
        import platform

        from zoo.core.version import installed

        found = installed() | {"Python": platform.python_version()}
        print(", ".join(f"{name} {number}" for name, number in found.items()))
        parser.exit()


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zoo",
        description="Pretrained spiking networks with heterogeneous neurons.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the zoo's version, and its libraries'")
    parser.add_argument("--debug", action="store_true", help="show where in the code an error comes from")
    parser.add_argument("--verbose", action="store_true", help="show what libraries say of themselves, too")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Verb)

    def verb(name, run, text):
        sub = verbs.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    add_model_verbs(verb)
    add_training_verbs(verb, _prepared)

    add_report_verbs(verb, _prepared)
    add_hub_verbs(verb, _make_parser)
    add_analysis_verbs(verb, _prepared)
    add_elsewhere_verbs(verb)
    return parser


def _prepared(run):
    """A command that begins with `_use_all_cores` and `_keep_programs`."""

    def start(arguments) -> int:
        _use_all_cores()
        _keep_programs()
        return run(arguments)

    return start


def _use_all_cores() -> None:
    """Makes each core of a machine without accelerator a device of its own, unless told otherwise.

    Where JAX already runs, its devices stay as they are. XLA ends the process when one device waits 40 s for
    another; where other programs hold a core for that long, patience loses nothing.
    """
    import contextlib
    import os

    import jax

    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_cpu_collective" not in flags:
        patience = "--xla_cpu_collective_call_terminate_timeout_seconds=86400"
        os.environ["XLA_FLAGS"] = f"{flags} {patience} --xla_cpu_collective_call_warn_stuck_timeout_seconds=3600"
    if "xla_force_host_platform_device_count" not in flags:
        with contextlib.suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", _usable_cores())


def _usable_cores() -> int:
    """Cores that this process may use; where the system does not say, all."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_KEPT_BYTES = 512 * 2**20
"""What compiled programs take at most in the user's cache; those that were not used for longest go."""


def _keep_programs() -> None:
    """Has JAX keep what it compiled, beside the compiled steps, unless told otherwise.

    A training that goes on then begins at once, and not with the seconds of compilation that each call had.
    """
    import jax
    import pooch

    if jax.config.jax_compilation_cache_dir is None:  # type: ignore[attr-defined]  # Options are added at run time.
        jax.config.update("jax_compilation_cache_dir", str(pooch.os_cache("hetsnn-zoo") / "programs"))
        jax.config.update("jax_compilation_cache_max_size", _KEPT_BYTES)
