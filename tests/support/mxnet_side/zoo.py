"""Models of the zoos of MXNet and GluonCV: each model's symbol, and its checkpoint with random parameters.
Models of other families come from :mod:`mxnet_side.families`.

A model is called by its zoo and its name there: ``mxnet/resnet18_v1``, ``gluoncv/ssd_512_resnet50_v1_voc``.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
from dataclasses import dataclass, field
from fnmatch import fnmatch
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Callable, Iterator, Mapping
from unittest import mock

import mxnet as mx
import numpy as np
from mxnet.gluon.model_zoo import vision

import mxnet_capture
from mxnet_side import families, models


@dataclass(frozen=True)
class Recipe:
    """How to make the models whose names match a pattern: options of the constructor, and the shape of each input.

    ``settings`` are attributes that are set afterwards, by path: detectors take their number of proposals that way.
    ``scales`` makes parameters smaller, by pattern of their names: steps of boxes are to
    stay within an image, and scores of classes below one.
    """

    pattern: str
    shapes: tuple[tuple[int, ...], ...]
    options: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)


CROP = {"crop_size": 96, "base_size": 96}
PROPOSALS = {"_rpn_test_post_nms": 40, "rpn._test_post_nms": 40}
MASKS = {**PROPOSALS, "_rcnn_max_dets": 20}
PREDICTED = {"*convpredictor*_weight": 0.1, "*yolooutput*_weight": 0.1}
STEPS = {"*_rpn0_*conv2_*": 0.05, "*rcnn0_dense0_weight": 0.3}

# The first that matches counts. Sizes are the smallest that the architecture allows, or a little more.
RECIPES = (
    Recipe("mxnet/inception_v3", ((1, 3, 299, 299),)),
    Recipe("mxnet/densenet*", ((1, 3, 224, 224),)),
    Recipe("mxnet/squeezenet*", ((1, 3, 224, 224),)),
    Recipe("mxnet/*", ((2, 3, 64, 64),)),
    Recipe("gluoncv/ssd_300_*_custom", ((1, 3, 300, 300),), {"classes": ["a", "b"]}, scales=PREDICTED),
    Recipe("gluoncv/ssd_512_*_custom", ((1, 3, 300, 300),), {"classes": ["a", "b"]}, scales=PREDICTED),
    Recipe("gluoncv/ssd_*_vgg16*", ((1, 3, 300, 300),), scales=PREDICTED),
    Recipe("gluoncv/ssd_*_resnet34*", ((1, 3, 300, 300),), scales=PREDICTED),
    Recipe("gluoncv/ssd_*", ((2, 3, 128, 128),), scales=PREDICTED),
    Recipe("gluoncv/yolo3_*_custom", ((2, 3, 96, 96),), {"classes": ["a", "b"]}, scales=PREDICTED),
    Recipe("gluoncv/yolo3_*", ((2, 3, 96, 96),), scales=PREDICTED),
    Recipe("gluoncv/custom_mask_rcnn_fpn", ((1, 3, 128, 128),), {"classes": ["a", "b"]}, MASKS, STEPS),
    Recipe("gluoncv/mask_rcnn_*", ((1, 3, 128, 128),), {}, MASKS, STEPS),
    Recipe("gluoncv/custom_*_rcnn_fpn", ((1, 3, 128, 128),), {"classes": ["a", "b"]}, PROPOSALS, STEPS),
    Recipe("gluoncv/*rcnn_*_custom", ((1, 3, 128, 128),), {"classes": ["a", "b"]}, PROPOSALS, STEPS),
    Recipe("gluoncv/*rcnn_*", ((1, 3, 128, 128),), {}, PROPOSALS, STEPS),
    Recipe("gluoncv/alpha_pose_*", ((2, 3, 64, 64),), {"pretrained_base": False}),
    Recipe("gluoncv/center_net_*", ((2, 3, 64, 64),), scales={"centernet*_conv1_weight": 0.02}),
    Recipe("gluoncv/fastscnn_*", ((2, 3, 128, 128),), {"crop_size": 128, "base_size": 128}),
    Recipe("gluoncv/icnet_*", ((2, 3, 128, 128),), {"crop_size": 128, "base_size": 128}),
    Recipe("gluoncv/fcn_*", ((2, 3, 96, 96),), CROP),
    Recipe("gluoncv/psp_*", ((2, 3, 96, 96),), CROP),
    Recipe("gluoncv/deeplab_*", ((2, 3, 96, 96),), CROP),
    Recipe("gluoncv/danet_*", ((2, 3, 96, 96),), CROP),
    Recipe("gluoncv/monodepth2_*posenet*", ((2, 6, 64, 64),)),
    Recipe("gluoncv/monodepth2_*", ((2, 3, 64, 64),)),
    Recipe("gluoncv/siamrpn_*", ((1, 3, 127, 127), (1, 3, 287, 287))),
    Recipe("gluoncv/c3d_*", ((1, 3, 16, 112, 112),)),
    Recipe("gluoncv/p3d_*", ((1, 3, 16, 64, 64),)),
    Recipe("gluoncv/r2plus1d_*", ((1, 3, 8, 64, 64),)),
    Recipe("gluoncv/i3d_slow_*", ((1, 3, 16, 64, 64),)),
    Recipe("gluoncv/i3d_inceptionv3_*", ((1, 3, 32, 160, 160),)),
    Recipe("gluoncv/i3d_*", ((1, 3, 8, 64, 64),)),
    Recipe("gluoncv/slowfast_4x16_*", ((1, 3, 36, 64, 64),)),
    Recipe("gluoncv/slowfast_8x8_*", ((1, 3, 40, 64, 64),)),
    Recipe("gluoncv/slowfast_16x8_*", ((1, 3, 80, 64, 64),)),
    Recipe("gluoncv/inceptionv3*", ((1, 3, 299, 299),)),
    Recipe("gluoncv/inceptionv1_*", ((1, 3, 224, 224),)),
    Recipe("gluoncv/vgg16_*", ((1, 3, 224, 224),)),
    Recipe("gluoncv/cifar_*", ((2, 3, 32, 32),)),
    Recipe("gluoncv/densenet*", ((1, 3, 224, 224),)),
    Recipe("gluoncv/squeezenet*", ((1, 3, 224, 224),)),
    Recipe("gluoncv/googlenet", ((1, 3, 224, 224),)),
    Recipe("gluoncv/residualattentionnet*", ((1, 3, 224, 224),)),
    Recipe("gluoncv/*", ((2, 3, 64, 64),)),
)


def names() -> list[str]:
    """Return the names of all models of both zoos, quantised ones included, and of the other families."""
    from gluoncv.model_zoo.model_zoo import _models

    functions = (name for name, function in vars(vision).items() if inspect.isfunction(function))
    own = [f"mxnet/{name}" for name in functions if not name.startswith("get_")]
    return sorted(own) + [f"gluoncv/{name}" for name in sorted(_models)] + families.names()


def versions() -> dict[str, str]:
    """Return the versions of the packages that the models come from."""
    import gluoncv

    versions = {"mxnet": mx.__version__, "gluoncv": gluoncv.__version__}
    for package in ("gluonnlp", "gluonts"):
        if find_spec(package) is not None:
            versions[package] = import_module(package).__version__
    return versions


def skeleton(name: str) -> str:
    """Return a digest of the graph without names and without numbers that depend on the number of classes."""
    symbol, _, _ = trace(name)
    nodes = []
    for node in json.loads(symbol.tojson())["nodes"]:
        attributes = {key: value for key, value in node.get("attrs", {}).items() if key not in CLASS_COUNTS}
        kind = node["op"] if node["op"] != "null" else ""
        nodes.append((kind, sorted(attributes.items()) if kind else [], [entry[:2] for entry in node["inputs"]]))
    return hashlib.sha256(json.dumps(nodes).encode()).hexdigest()


CLASS_COUNTS = ("num_filter", "num_hidden", "num_outputs", "shape", "reps", "repeats", "begin", "end", "start", "stop")


def recipe_of(name: str) -> Recipe:
    return next(recipe for recipe in RECIPES if fnmatch(name, recipe.pattern))


def trace(name: str) -> tuple[mx.sym.Symbol, dict[str, tuple[int, ...]], dict[str, mx.nd.NDArray]]:
    """Return a model's symbol, the shapes of its inputs, and the constants among its arguments."""
    recipe = recipe_of(name)
    with mx.name.NameManager(), _no_trained_weights():
        block = _block(name, recipe)
        for path, value in recipe.settings.items():
            *owners, attribute = path.split(".")
            owner = block
            for part in owners:
                owner = getattr(owner, part)
            setattr(owner, attribute, value)
        keys = ["data"] if len(recipe.shapes) == 1 else [f"data{i}" for i in range(len(recipe.shapes))]
        outputs = mxnet_capture._leaves(block(*map(mx.sym.var, keys)))
    symbol = mx.sym.Group(outputs) if len(outputs) > 1 else outputs[0]
    parameters = block.collect_params().items()
    constants = {key: item.value for key, item in parameters if isinstance(item, mx.gluon.Constant)}
    return symbol, dict(zip(keys, recipe.shapes)), constants


def _block(name: str, recipe: Recipe) -> Any:
    from gluoncv.model_zoo.model_zoo import _models

    zoo, _, model = name.partition("/")
    function = getattr(vision, model) if zoo == "mxnet" else _models[model]
    untrained = {"pretrained_base": False, "use_kinetics_pretrain": False}
    accepted = inspect.signature(function).parameters
    options = {key: value for key, value in untrained.items() if key in accepted}
    return function(pretrained=False, **options, **recipe.options)


@contextlib.contextmanager
def _no_trained_weights() -> Iterator[None]:
    """Prevent constructors that ignore ``pretrained=False`` from fetching the weights of a base network."""
    with mock.patch("gluoncv.model_zoo.model_store.get_model_file", return_value=""), mock.patch.object(
        mx.gluon.Block, "load_parameters"
    ), mock.patch.object(mx.gluon.ParameterDict, "reset_ctx"):
        yield


def make(name: str, prefix: str, golden: str, seed: int = 0) -> dict[str, Any]:
    """Save a model's checkpoint and its golden file.

    Returns:
        The operators, the inputs' shapes, the names of nodes whose outputs MXNet leaves uninitialised in part, and
        whether MXNet's outputs depend on which other outputs are computed.
    """
    if name.partition("/")[0] in families.FAMILIES:
        return families.make(name, prefix, golden)
    symbol, shapes, constants = trace(name)
    random = np.random.default_rng(seed)
    others, inputs = ({k: random.standard_normal(s, np.float32) for k, s in shapes.items()} for _ in range(2))
    arguments, auxiliary = models.randomise(symbol, shapes, seed, constants)
    for pattern, scale in recipe_of(name).scales.items():
        arguments.update((key, value * scale) for key, value in arguments.items() if fnmatch(key, pattern))
    if auxiliary:
        auxiliary = models.calibrate(symbol, arguments, auxiliary, others)
    models.save(symbol, arguments, auxiliary, prefix)
    description = mxnet_capture.capture((symbol, arguments, auxiliary), inputs, golden)
    nodes = json.loads(symbol.tojson())["nodes"]
    return {
        "operators": [node["op"] for node in nodes if node["op"] != "null"],
        "shapes": shapes,
        "unwritten": _unwritten(nodes, golden),
        "stable": not any("without its internals" in note for note in description["notes"]),
        "sensitivity": models.sensitivity(_running(symbol, arguments, auxiliary), inputs),
        "nudge": models.NUDGE,
    }


def _running(symbol: mx.sym.Symbol, arguments: Any, auxiliary: Any) -> Callable[[Mapping[str, np.ndarray]], Any]:
    """Return a function that computes the outputs of a symbol from its inputs."""

    def run(given: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        known = {**arguments, **{name: mx.nd.array(value) for name, value in given.items()}}
        executor = symbol.bind(mx.cpu(), known, grad_req="null", aux_states=auxiliary)
        return [output.asnumpy() for output in executor.forward(is_train=False)]

    return run


def _unwritten(nodes: list[dict[str, Any]], golden: str) -> list[str]:
    """Return the ROIAligns with regions of batch -1, whose outputs MXNet leaves uninitialised on the CPU."""
    from safetensors import safe_open

    unwritten = []
    with safe_open(golden, "np") as file:
        for node in nodes:
            if node["op"] == "_contrib_ROIAlign":
                source, index, _ = node["inputs"][1]
                recorded = json.loads(file.metadata()["golden"])["internals"]
                keys = {(item["node"], item["index"]): item["key"] for item in recorded}
                if (file.get_tensor(keys[nodes[source]["name"], index])[:, 0] < 0).any():
                    unwritten.append(node["name"])
    return unwritten
