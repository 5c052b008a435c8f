"""Say how to get the graph of parameters alone, from the names and shapes of the layers of published networks."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from neutral.store import Store

GENERAL_ADVICE = (
    "where MXNet is, `mxnet_capture.py zoo NAME --params FILE -o PREFIX` writes the graph of a network of MXNet's, "
    "GluonCV's or GluonNLP's model zoo beside its parameters, and `mxnet_capture.py export` that of your own"
)
"""The advice for a network of no known family."""

IR_LAYERS: dict[tuple[int, ...], int] = {
    (2, 2, 2, 2): 18,
    (3, 4, 6, 3): 34,
    (3, 4, 14, 3): 50,
    (3, 6, 24, 3): 74,
    (3, 8, 30, 3): 90,
    (3, 4, 38, 3): 98,
    (3, 8, 35, 3): 99,
    (3, 13, 30, 3): 100,
    (3, 4, 23, 3): 101,
    (3, 13, 40, 5): 124,
    (3, 10, 50, 3): 134,
    (3, 13, 48, 3): 136,
    (3, 15, 48, 3): 140,
    (3, 8, 36, 3): 152,
    (3, 24, 49, 3): 160,
    (3, 24, 36, 3): 200,
    (3, 30, 48, 8): 269,
}
"""The ``num_layers`` of InsightFace's fresnet.py by the number of units of each stage."""

BERTS: dict[tuple[int, ...], str] = {(12, 768): "bert_12_768_12", (24, 1024): "bert_24_1024_16"}
"""The names of GluonNLP's BERT by the number of layers and of units."""

_UNIT = re.compile(r"stage([1-4])_unit(\d+)_conv1$")
_BLOCK = re.compile(r"res_([2-5])_block(\d+)_conv_sep_conv2d$")
_CELL = re.compile(r"encoder\.transformer_cells\.(\d+)\.")
_ZOO_FILE = re.compile(r"(.+)-[0-9a-f]{8}\.params$")
"""The name of a file that a model zoo fetched: the network and the beginning of the file's SHA-1."""


def advise(store: Store) -> str:
    """Return how to get the graph of a store without one.

    Args:
        store: A store of parameters alone.

    Returns:
        The command for a network of InsightFace, GluonNLP or a model zoo that names and shapes tell; else general
        advice.

    Example:
        >>> from neutral.store import Store
        >>> advise(Store({}, {})) == GENERAL_ADVICE
        True
    """
    shapes = {
        f"{name}.{role}": store.tensors[key].shape
        for name, layer in store.layers.items()
        for role, key in layer.tensors.items()
    }
    files = () if store.source is None else store.source.files
    file = next((file.name for file in files if file.role == "parameters"), "FILE")
    return _insightface(shapes, file) or _bert(shapes, file) or _zoo(shapes, file) or GENERAL_ADVICE


def _insightface(shapes: Mapping[str, tuple[int, ...]], file: str) -> str | None:
    """Return the commands for an IR network or a MobileFaceNet of InsightFace."""
    layers = {name.rpartition(".")[0] for name in shapes}
    settings: dict[str, object] = {}
    if {"conv0", "bn0", "stage1_unit1_bn1", "stage4_unit1_conv2"} <= layers:
        module, packages, act = "fresnet", "easydict and scikit-learn", "relu0"
        settings["num_layers"] = IR_LAYERS.get(_counts(_UNIT, layers, 1))
        settings["net_se"] = int("stage1_unit1_se_conv1" in layers)
        settings["net_unit"] = 3 if "stage1_unit1_bn3" in layers else 1 if "stage1_unit1_sc" in layers else 2
        settings["net_input"] = 2 if "bn_data" in layers else 0 if shapes.get("conv0.weight", ())[-1:] == (7,) else 1
    elif {"conv_1_conv2d", "dconv_23_conv_sep_conv2d", "conv_6sep_conv2d"} <= layers:
        module, packages, act = "fmobilefacenet", "easydict", "conv_1_relu"
        first, *rest = _counts(_BLOCK, layers, 2)
        settings["net_blocks"] = [first or 1, *rest]
    else:
        return None
    embedding = shapes.get("pre_fc1.weight", shapes.get("fc1.weight", shapes.get("fc1.bias", ())))
    settings["emb_size"] = embedding[0] if embedding else None
    settings["net_act"] = "prelu" if act in layers else "relu"
    settings["net_output"] = _output(shapes, layers)
    known = {key: value for key, value in settings.items() if value is not None}
    lines = "; ".join(f"config.{key} = {value!r}" for key, value in known.items()).replace("'", '"')
    command = f"mxnet_capture.py export symbol/{module}.py:get_symbol --params {shlex.quote(file)} -o PREFIX"
    return (
        f"these are the names of InsightFace's {module}.py. Where MXNet is, with {packages}, in the folder "
        f"recognition/arcface_mxnet of its repository: `cp sample_config.py config.py`, then `echo '{lines}' >> "
        f"config.py`, then `python {command} --shape data=1,3,112,112`. Names and shapes do not show everything: "
        "prefer the symbol that was published with the parameters"
    )


def _counts(pattern: re.Pattern[str], layers: set[str], first: int) -> tuple[int, ...]:
    """Return the number of units of each of four stages from ``first`` on."""
    matches = [match for match in map(pattern.match, layers) if match]
    return tuple(sum(int(match.group(1)) == stage for match in matches) for stage in range(first, first + 4))


def _output(shapes: Mapping[str, tuple[int, ...]], layers: set[str]) -> str | None:
    """Return the ``net_output`` of InsightFace's symbol_utils.py; forms that infer alike have one name."""
    if "conv_6dw7_7_conv2d" in layers:
        return "GDC"
    if "bn6f" in layers:
        return "GNAP"
    if "convf" in layers:
        return "SFC"
    if "pre_fc1.weight" not in shapes:
        return None if "fc1.weight" not in shapes else "F" if "bn1" in layers else "H"
    if "bn1" not in layers:
        return "J"
    return "GAP" if shapes["pre_fc1.weight"][1:] == shapes.get("bn1.weight") else "E"


def _bert(shapes: Mapping[str, tuple[int, ...]], file: str) -> str | None:
    """Return the command for GluonNLP's BERT."""
    cells = {match.group(1) for match in map(_CELL.match, shapes) if match}
    name = BERTS.get((len(cells), *shapes.get("word_embed.0.weight", ())[1:]))
    if name is None:
        return None
    inputs = " --shape data0=1,8 --shape data1=1,8 --shape data2=1"
    decoded = " --shape data3=1,1" if any(key.startswith("decoder.") for key in shapes) else ""
    return f"names and shapes are those of GluonNLP's {name}: {_zoo_command(name, file, inputs + decoded)}"


def _zoo(shapes: Mapping[str, tuple[int, ...]], file: str) -> str | None:
    """Return the command for a file that has the name of one of a model zoo."""
    match = _ZOO_FILE.match(file)
    if match is None or not any(name.startswith("features.") for name in shapes):
        return None
    classes = shapes.get("output.weight", ())
    option = f" --option classes={classes[0]}" if classes and classes[0] != 1000 else ""
    return f"the file is called like {match.group(1)} of a model zoo: {_zoo_command(match.group(1), file, option)}"


def _zoo_command(name: str, file: str, options: str) -> str:
    return (
        "where MXNet and the package of the zoo are, "
        f"`mxnet_capture.py zoo {shlex.quote(name)} --params {shlex.quote(file)} -o PREFIX{options}` writes it"
    )
