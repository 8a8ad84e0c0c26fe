"""The command line of other simulators and formats: `zoo export-nir`, `import-nir`, `export-weights`."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

READERS = ("nirtorch", "norse", "snntorch", "sinabs", "spikingjelly", "spyx", "rockpool")
ORIGINS = ("zoo", "norse", "snntorch", "sinabs")


def add_verbs(verb: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds the verbs to the `zoo` command.

    Args:
        verb: makes a sub-parser from a name, what it runs, and its help.
    """
    sub = verb("export-nir", _export_nir, "Write one network as a NIR file for other simulators (dt = 5 ms).")
    _add_network(sub, "FILE.nir")
    sub.add_argument(
        "--for", dest="reader", choices=READERS, metavar="SIMULATOR",
        help=f"that is to fire the same spikes (default: lossless): {', '.join(READERS)}",
    )  # fmt: skip
    sub.add_argument(
        "--readout", choices=["li", "affine", "none"], help="what the graph ends with (default: by reader)"
    )
    sub.add_argument(
        "--normaliser", choices=["metadata", "affine"], default="metadata",
        help="affine: the graph takes raw observations, without the clip (default metadata: the reader normalises)",
    )  # fmt: skip

    sub = verb("import-nir", _import_nir, "Make a checkpoint of a NIR file, and measure it.")
    sub.add_argument("file", type=Path, help="by `zoo export-nir`, or of the same form by another simulator")
    sub.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="of the checkpoint")
    sub.add_argument("--name", help="model name, which says the task (default: as the file says)")
    sub.add_argument("--from", dest="origin", choices=ORIGINS, help="who wrote the file (default: as it says)")
    sub.add_argument("--dt", type=float, metavar="S", help="step that its time constants are meant for, in seconds")
    sub.add_argument("--episodes", type=int, help="to measure (default: as in published evaluations)")

    sub = verb(
        "export-weights", _export_weights, "Write one network as safetensors, or as an ONNX model of one step."
    )
    _add_network(sub, "FILE.safetensors or FILE.onnx")


def _add_network(sub: argparse.ArgumentParser, files: str) -> None:
    sub.add_argument("name", help="model name, or folder of a checkpoint")
    sub.add_argument("-o", "--output", type=Path, required=True, help=files)
    sub.add_argument("--training-seed", type=int, help="which network (default: the first)")


def _export_nir(arguments) -> int:
    from zoo.interchange.exporting import nir_graph, write_graph
    from zoo.interchange.readers import READERS, not_above_rest
    from zoo.store.loading import load

    graph = nir_graph(
        load(arguments.name), arguments.training_seed,
        reader=arguments.reader, readout=arguments.readout, normaliser=arguments.normaliser,
    )  # fmt: skip
    print(write_graph(graph, arguments.output, arguments.reader))
    late = not_above_rest(graph)
    if len(late):
        shown = ", ".join(map(str, late[:8])) + ", …" * (len(late) > 8)
        print(f"{len(late)} thresholds are not above rest (neurons {shown}): the lines below set them")
    if arguments.reader:
        reader = READERS[arguments.reader]
        print(f"\n# How {reader.name} {reader.version} reads it:\n\n{reader.lines}", end="")
    return 0


def _import_nir(arguments) -> int:
    from zoo.interchange.importing import import_nir
    from zoo.store.loading import load

    folder, remarks = import_nir(
        arguments.file, arguments.to,
        name=arguments.name, origin=arguments.origin, dt_s=arguments.dt, episodes=arguments.episodes,
    )  # fmt: skip
    for remark in remarks:
        print(f"zoo import-nir: {remark}", file=sys.stderr)
    mean = load(folder).evaluation["mean"]
    print(f"{folder}: mean {mean:.6g}")
    return 0


def _export_weights(arguments) -> int:
    from zoo.interchange.onnx_files import export_onnx
    from zoo.interchange.tensor_files import export_safetensors
    from zoo.store.loading import load

    writers = {".safetensors": export_safetensors, ".onnx": export_onnx}
    suffix = arguments.output.suffix
    if suffix not in writers:
        raise ValueError(f"'{arguments.output}' must end in {' or '.join(writers)}")
    print(writers[suffix](load(arguments.name), arguments.output, arguments.training_seed))
    return 0
