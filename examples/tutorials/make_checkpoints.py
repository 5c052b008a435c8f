"""Make the small checkpoints of the tutorials with real MXNet: networks of the known families, a few kilobytes each.

    PYTHONPATH=readers python examples/tutorials/make_checkpoints.py [NAME ...]

Needs Python 3.8 to 3.11 with mxnet==1.9.1, numpy<1.24, gluoncv==0.10.5.post0 and gluonnlp==0.10.0. Each network has
the operators, names and files of its family, with few channels and random parameters. ``golden.safetensors`` of each
has the values that MXNet computed.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Callable, Mapping

import mxnet as mx
import numpy as np
from mxnet.gluon import nn

import mxnet_capture

HERE = Path(__file__).resolve().parent
Arrays = Mapping[str, np.ndarray]


def randomise(symbol: mx.sym.Symbol, inputs: Arrays) -> tuple[dict[str, mx.nd.NDArray], dict[str, mx.nd.NDArray]]:
    """Return random parameters of a symbol, by name: arguments and auxiliary states."""
    random = np.random.RandomState(0)
    shapes, _, states = symbol.infer_shape(**{name: value.shape for name, value in inputs.items()})
    arguments = {}
    for name, shape in zip(symbol.list_arguments(), shapes):
        if name not in inputs and not name.endswith("label"):
            arguments[name] = mx.nd.array(drawn(name, shape, random))
    auxiliary = {
        name: mx.nd.array(random.uniform(0.5, 1.5, shape) if name.endswith("var") else random.normal(0, 0.1, shape))
        for name, shape in zip(symbol.list_auxiliary_states(), states)
    }
    return arguments, auxiliary


def drawn(name: str, shape: tuple[int, ...], random: np.random.RandomState) -> np.ndarray:
    if name.endswith(("gamma", "gammas", "alpha")):
        return random.uniform(0.2, 0.9, shape)
    fan_in = max(int(np.prod(shape[1:])), 1)
    return random.normal(0, 0.1 if name.endswith(("beta", "bias")) else (2 / fan_in) ** 0.5, shape)


def save(name: str, prefix: str, symbol: mx.sym.Symbol, inputs: Arrays, epoch: int = 0) -> None:
    """Save a symbol with random parameters as ``Module.save_checkpoint`` does, and its golden file."""
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    mx.model.save_checkpoint(str(folder / prefix), epoch, symbol, *randomise(symbol, inputs))
    capture(name, prefix, inputs, epoch)


def capture(name: str, prefix: str, inputs: Arrays, epoch: int = 0) -> None:
    """Write the golden file as ``mxnet_capture.py run`` does."""
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/inputs.npz", **inputs)
        words = ["run", str(HERE / name / prefix), str(epoch), "--input", f"{folder}/inputs.npz"]
        if mxnet_capture.main([*words, "-o", str(HERE / name / "golden.safetensors")]):
            sys.exit(f"no golden file of {name}")


def images(count: int, size: int, seed: int = 1) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, (count, 3, size, size)).astype(np.float32)


# ---- InsightFace


def arcface() -> None:
    """InsightFace's LResNet-E-IR: scaled pixels, PReLU, pre-activated units, an embedding with a fixed gamma."""

    def norm(x: mx.sym.Symbol, name: str, **options: Any) -> mx.sym.Symbol:
        return mx.sym.BatchNorm(x, fix_gamma=options.pop("fix_gamma", False), eps=2e-5, momentum=0.9, name=name)

    def convolution(x: mx.sym.Symbol, name: str, channels: int, kernel: int, stride: int) -> mx.sym.Symbol:
        sizes = {"kernel": (kernel, kernel), "stride": (stride, stride), "pad": (kernel // 2, kernel // 2)}
        return mx.sym.Convolution(x, num_filter=channels, no_bias=True, workspace=256, name=name, **sizes)

    def unit(x: mx.sym.Symbol, name: str, channels: int, stride: int) -> mx.sym.Symbol:
        y = convolution(norm(x, f"{name}_bn1"), f"{name}_conv1", channels, 3, 1)
        y = mx.sym.LeakyReLU(norm(y, f"{name}_bn2"), act_type="prelu", name=f"{name}_relu1")
        y = norm(convolution(y, f"{name}_conv2", channels, 3, stride), f"{name}_bn3")
        if stride > 1:
            x = norm(convolution(x, f"{name}_conv1sc", channels, 1, stride), f"{name}_sc")
        return y + x

    x = mx.sym.identity(mx.sym.var("data"), name="id")
    x = (x - 127.5) * 0.0078125
    x = norm(convolution(x, "conv0", 4, 3, 1), "bn0")
    x = mx.sym.LeakyReLU(x, act_type="prelu", name="relu0")
    for stage, (channels, units) in enumerate(((4, 1), (8, 2)), 1):
        for number in range(1, units + 1):
            x = unit(x, f"stage{stage}_unit{number}", channels, 2 if number == 1 else 1)
    x = mx.sym.Dropout(norm(x, "bn1"), p=0.4)
    x = mx.sym.FullyConnected(x, num_hidden=16, name="pre_fc1")
    save("arcface", "model", norm(x, "fc1", fix_gamma=True), {"data": images(1, 16)})


def retinaface() -> None:
    """InsightFace's RetinaFace: a feature pyramid of two levels, each with scores, boxes and five points per anchor."""

    def convolution(x: mx.sym.Symbol, name: str, channels: int, kernel: int = 3, stride: int = 1) -> mx.sym.Symbol:
        sizes = {"kernel": (kernel, kernel), "stride": (stride, stride), "pad": (kernel // 2, kernel // 2)}
        x = mx.sym.Convolution(x, num_filter=channels, no_bias=True, name=f"{name}_conv2d", **sizes)
        x = mx.sym.BatchNorm(x, fix_gamma=False, eps=2e-5, name=f"{name}_batchnorm")
        return mx.sym.Activation(x, act_type="relu", name=f"{name}_relu")

    def head(x: mx.sym.Symbol, stride: int, anchors: int = 2) -> list[mx.sym.Symbol]:
        def layer(name: str, channels: int) -> mx.sym.Symbol:
            return mx.sym.Convolution(x, num_filter=channels * anchors, kernel=(1, 1), name=f"face_rpn_{name}{stride}")

        scores = mx.sym.Reshape(layer("cls_score_stride", 2), shape=(0, 2, -1, 0))
        scores = mx.sym.SoftmaxActivation(scores, mode="channel", name=f"face_rpn_cls_prob_stride{stride}")
        name = f"face_rpn_cls_prob_reshape_stride{stride}"
        scores = mx.sym.Reshape(scores, shape=(0, 2 * anchors, -1, 0), name=name)
        return [scores, layer("bbox_pred_stride", 4), layer("landmark_pred_stride", 10)]

    x = convolution(mx.sym.var("data"), "mobilenet0_0", 4, stride=2)
    fine = convolution(x, "mobilenet0_1", 6, stride=2)
    coarse = convolution(fine, "mobilenet0_2", 8, stride=2)
    coarse = convolution(coarse, "rf_c2_lateral", 6, kernel=1)
    up = mx.sym.UpSampling(coarse, scale=2, sample_type="nearest", name="rf_c2_upsampling")
    lateral = convolution(fine, "rf_c1_lateral", 6, kernel=1)
    fine = convolution(lateral + mx.sym.Crop(up, lateral, name="rf_c2_crop"), "rf_c1_aggr", 6)
    save("retinaface", "mnet", mx.sym.Group(head(coarse, 8) + head(fine, 4)), {"data": images(1, 20)})


def mtcnn() -> None:
    """MTCNN's first network, P-Net: PReLU, pooling of the 'full' convention, softmax over channels."""

    def layer(x: mx.sym.Symbol, number: int, channels: int) -> mx.sym.Symbol:
        x = mx.sym.Convolution(x, num_filter=channels, kernel=(3, 3), name=f"conv{number}")
        return mx.sym.LeakyReLU(x, act_type="prelu", name=f"PReLU{number}")

    pooling = {"kernel": (2, 2), "stride": (2, 2), "pool_type": "max", "pooling_convention": "full"}
    x = mx.sym.Pooling(layer(mx.sym.var("data"), 1, 10), name="pool1", **pooling)
    x = layer(layer(x, 2, 16), 3, 32)
    scores = mx.sym.Convolution(x, num_filter=2, kernel=(1, 1), name="conv4_1")
    boxes = mx.sym.Convolution(x, num_filter=4, kernel=(1, 1), name="conv4_2")
    scores = mx.sym.SoftmaxActivation(scores, mode="channel", name="prob1")
    pixels = (images(1, 13) - 127.5) * 0.0078125
    save("mtcnn", "det1", mx.sym.Group([boxes, scores]), {"data": pixels}, epoch=1)


# ---- Gluon


def filled(block: Any, *inputs: np.ndarray) -> Any:
    """Give a Gluon block random parameters, and run it once."""
    mx.random.seed(0)
    random = np.random.RandomState(0)
    block.initialize()
    block.hybridize()
    block(*map(mx.nd.array, inputs))
    for name, parameter in block.collect_params().items():
        if name.endswith(("anchors", "scales")) or (parameter.grad_req == "null" and "running" not in name):
            continue
        values = (
            random.uniform(0.5, 1.5, parameter.shape) if name.endswith("var") else drawn(name, parameter.shape, random)
        )
        parameter.set_data(mx.nd.array(values))
    return block


def exported(name: str, prefix: str, block: Any, inputs: Arrays) -> None:
    (HERE / name).mkdir(exist_ok=True)
    filled(block, *inputs.values()).export(str(HERE / name / prefix))
    capture(name, prefix, inputs)


def classification() -> None:
    """GluonCV's CIFAR ResNet with a unit per stage."""
    from gluoncv.model_zoo.cifarresnet import CIFARBasicBlockV1, CIFARResNetV1

    with mx.name.NameManager():
        block = CIFARResNetV1(CIFARBasicBlockV1, [1, 1, 1], [4, 4, 6, 8], classes=10)
        exported("classification", "cifar_resnet", block, {"data": images(1, 16) / 255})


def detection() -> None:
    """GluonCV's SSD on features of two levels."""
    from gluoncv.model_zoo.ssd import SSD

    class Features(nn.HybridBlock):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            with self.name_scope():
                self.first, self.second = nn.HybridSequential(), nn.HybridSequential()
                for stage, channels, stride in ((self.first, 4, 4), (self.second, 6, 2)):
                    stage.add(nn.Conv2D(channels, 3, stride, 1), nn.BatchNorm(), nn.Activation("relu"))

        def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
            x = self.first(x)
            return [x, self.second(x)]

    with mx.name.NameManager():
        sizes = {"sizes": [8, 16, 32], "ratios": [[1, 2, 0.5]] * 2, "steps": [4, 8]}
        names = ["cat", "dog"]
        block = SSD(None, 32, lambda **_: Features(), [], classes=names, anchor_alloc_size=8, **sizes)
        exported("detection", "ssd", block, {"data": images(1, 32) / 255})


def bert() -> None:
    """GluonNLP's BERT with two layers."""
    from gluonnlp.model.bert import BERTEncoder, BERTModel

    with mx.name.NameManager():
        encoder = BERTEncoder(units=16, hidden_size=32, max_length=16, num_layers=2, num_heads=2, dropout=0.1)
        sizes = {"vocab_size": 30, "token_type_vocab_size": 2, "units": 16, "embed_size": 16}
        block = BERTModel(encoder=encoder, use_pooler=True, use_decoder=False, use_classifier=False, **sizes)
        words = np.random.RandomState(0).randint(0, 30, (2, 6)).astype(np.float32)
        types = np.array([[0, 0, 0, 1, 1, 1]] * 2, np.float32)
        exported("bert", "bert", block, {"data0": words, "data1": types, "data2": np.array([6, 4], np.float32)})


def lstm() -> None:
    """A language model of the symbolic interface: an embedding, an LSTM with packed weights, scores of words."""
    x = mx.sym.Embedding(mx.sym.var("data"), input_dim=20, output_dim=8, name="embed")
    state = {f"begin_{name}": mx.sym.var(f"lstm_begin_{name}") for name in ("state_0", "state_1")}
    x = mx.sym.RNN(
        mx.sym.swapaxes(x, dim1=0, dim2=1),
        mx.sym.var("lstm_parameters"),
        state["begin_state_0"],
        state["begin_state_1"],
        mode="lstm",
        state_size=8,
        num_layers=1,
        name="lstm",
    )
    x = mx.sym.Reshape(mx.sym.swapaxes(x, dim1=0, dim2=1), shape=(-1, 8))
    x = mx.sym.FullyConnected(x, num_hidden=20, name="decoder")
    inputs = {
        "data": np.random.RandomState(0).randint(0, 20, (2, 5)).astype(np.float32),
        **{f"lstm_begin_{name}": np.zeros((1, 2, 8), np.float32) for name in ("state_0", "state_1")},
    }
    save("lstm", "words", mx.sym.SoftmaxOutput(x, mx.sym.var("softmax_label"), name="softmax"), inputs, epoch=12)


def only_params() -> None:
    """A Gluon network of which ``save_parameters`` wrote the only file, and what MXNet computed with it."""
    with mx.name.NameManager():
        net = nn.HybridSequential()
        net.add(nn.Conv2D(4, 3, in_channels=3), nn.BatchNorm(), nn.Activation("relu"), nn.Flatten(), nn.Dense(5))
        data = images(1, 8) / 255
        filled(net, data)
        (HERE / "only_params").mkdir(exist_ok=True)
        net.save_parameters(str(HERE / "only_params" / "net.params"))
        mxnet_capture.capture(net, {"data": data}, str(HERE / "only_params" / "golden.safetensors"))


# ---- Amazon SageMaker


def pack(name: str, members: Mapping[str, bytes]) -> None:
    """Write ``model.tar.gz``, with the same bytes each time, in place of the files in it."""
    folder = HERE / name
    with tarfile.open(folder / "model.tar", "w") as archive:
        for member, content in members.items():
            entry = tarfile.TarInfo(member)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    content = gzip.compress((folder / "model.tar").read_bytes(), mtime=0)
    (folder / "model.tar.gz").write_bytes(content)
    (folder / "model.tar").unlink()


def moved(name: str, *files: str) -> dict[str, bytes]:
    """Take files of a folder away, and return their content."""
    contents = {file: (HERE / name / file).read_bytes() for file in files}
    for file in files:
        (HERE / name / file).unlink()
    return contents


def sagemaker_image_classification() -> None:
    """The artefact of the built-in algorithm "image classification": a ResNet with a training head."""

    def norm(x: mx.sym.Symbol, name: str, **options: Any) -> mx.sym.Symbol:
        return mx.sym.BatchNorm(x, eps=2e-5, momentum=0.9, name=name, **{"fix_gamma": False, **options})

    def convolution(x: mx.sym.Symbol, name: str, channels: int, kernel: int, stride: int = 1) -> mx.sym.Symbol:
        sizes = {"kernel": (kernel, kernel), "stride": (stride, stride), "pad": (kernel // 2, kernel // 2)}
        return mx.sym.Convolution(x, num_filter=channels, no_bias=True, name=name, **sizes)

    def relu(x: mx.sym.Symbol, name: str) -> mx.sym.Symbol:
        return mx.sym.Activation(x, act_type="relu", name=name)

    x = norm(mx.sym.identity(mx.sym.var("data"), name="id"), "bn_data", fix_gamma=True)
    x = convolution(x, "conv0", 4, 3)
    for number, (channels, stride) in enumerate(((4, 1), (8, 2)), 1):
        name = f"stage{number}_unit1"
        y = relu(norm(x, f"{name}_bn1"), f"{name}_relu1")
        shortcut = convolution(y, f"{name}_sc", channels, 1, stride)
        y = relu(norm(convolution(y, f"{name}_conv1", channels, 3, stride), f"{name}_bn2"), f"{name}_relu2")
        x = convolution(y, f"{name}_conv2", channels, 3) + shortcut
    x = mx.sym.Pooling(relu(norm(x, "bn1"), "relu1"), global_pool=True, kernel=(7, 7), pool_type="avg", name="pool1")
    x = mx.sym.FullyConnected(mx.sym.Flatten(x), num_hidden=3, name="fc1")
    name, prefix = "sagemaker_classification", "image-classification"
    save(name, prefix, mx.sym.SoftmaxOutput(x, name="softmax"), {"data": images(1, 16)}, epoch=5)
    shapes = [{"shape": [1, 3, 16, 16], "name": "data"}]
    members = moved(name, f"{prefix}-0005.params", f"{prefix}-symbol.json")
    pack(name, {**members, "model-shapes.json": json.dumps(shapes).encode()})


def sagemaker_object_detection() -> None:
    """The artefact of the built-in algorithm "object detection": an SSD as it was trained, with labels and losses."""

    def layer(x: mx.sym.Symbol, name: str, channels: int, stride: int) -> mx.sym.Symbol:
        x = mx.sym.Convolution(x, num_filter=channels, kernel=(3, 3), pad=(1, 1), stride=(stride, stride), name=name)
        return mx.sym.Activation(x, act_type="relu", name=f"{name}_relu")

    classes, levels = 2, []
    x = mx.sym.var("data")
    for number, channels in enumerate((4, 6), 1):
        x = layer(layer(x, f"conv{number}_1", channels, 2), f"conv{number}_2", channels, 2)
        levels.append(x)
    scores, boxes, anchors = [], [], []
    for number, (level, size) in enumerate(zip(levels, ((0.2, 0.3), (0.5, 0.7)))):
        count = 4
        name = f"relu{number}"
        for outputs, kind, channels in ((boxes, "loc", 4), (scores, "cls", classes + 1)):
            y = mx.sym.Convolution(
                level, num_filter=count * channels, kernel=(3, 3), pad=(1, 1), name=f"{name}_{kind}_pred_conv"
            )
            outputs.append(mx.sym.Flatten(mx.sym.transpose(y, axes=(0, 2, 3, 1))))
        prior = mx.sym.contrib.MultiBoxPrior(level, sizes=size, ratios=(1, 2, 0.5), clip=False, name=f"{name}_anchors")
        anchors.append(mx.sym.Flatten(prior))
    scores = mx.sym.Reshape(mx.sym.Concat(*scores, dim=1), shape=(0, -1, classes + 1))
    scores = mx.sym.transpose(scores, axes=(0, 2, 1), name="multibox_cls_pred")
    boxes = mx.sym.Concat(*boxes, dim=1, name="multibox_loc_pred")
    anchors = mx.sym.Reshape(mx.sym.Concat(*anchors, dim=1), shape=(0, -1, 4), name="multibox_anchors")
    target = mx.sym.contrib.MultiBoxTarget(
        anchors, mx.sym.var("label"), scores, overlap_threshold=0.5, ignore_label=-1, negative_mining_ratio=3,
        minimum_negative_samples=0, negative_mining_thresh=0.5, variances=(0.1, 0.1, 0.2, 0.2), name="multibox_target",
    )  # fmt: skip
    probabilities = mx.sym.SoftmaxOutput(
        scores, target[2], ignore_label=-1, use_ignore=True, grad_scale=1, multi_output=True,
        normalization="valid", name="cls_prob",
    )  # fmt: skip
    loss = mx.sym.smooth_l1(target[1] * (boxes - target[0]), scalar=1, name="loc_loss_")
    loss = mx.sym.MakeLoss(loss, grad_scale=1, normalization="valid", name="loc_loss")
    label = mx.sym.MakeLoss(target[2], grad_scale=0, name="cls_label")
    found = mx.sym.contrib.MultiBoxDetection(
        probabilities, boxes, anchors, name="detection", nms_threshold=0.45, force_suppress=False,
        variances=(0.1, 0.1, 0.2, 0.2), nms_topk=400,
    )  # fmt: skip
    found = mx.sym.MakeLoss(found, grad_scale=0, name="det_out")
    name, prefix = "sagemaker_detection", "model_algo_1"
    labels = -np.ones((1, 2, 6), np.float32)
    labels[0, 0] = [0, 0.1, 0.1, 0.5, 0.6, 0]
    symbol = mx.sym.Group([probabilities, loss, label, found])
    inputs = {"data": images(1, 32) - 120, "label": labels}
    save(name, prefix, symbol, inputs)
    members = moved(name, f"{prefix}-0000.params", f"{prefix}-symbol.json")
    parameters = {"base_network": "vgg-16", "num_classes": str(classes), "image_shape": "32"}
    pack(name, {**members, "hyperparams.json": json.dumps(parameters).encode()})


# ---- an operator in Python


class SwishOperator(mx.operator.CustomOp):
    """The operator of :func:`custom`."""

    def __init__(self, beta: float) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, is_train: bool, req: Any, in_data: Any, out_data: Any, aux: Any) -> None:
        x = in_data[0]
        self.assign(out_data[0], req[0], x * mx.nd.sigmoid(self.beta * x))


@mx.operator.register("scaled_swish")
class SwishProperty(mx.operator.CustomOpProp):
    def __init__(self, beta: str = "1.0") -> None:
        super().__init__(need_top_grad=True)
        self.beta = float(beta)

    def create_operator(self, ctx: Any, shapes: Any, dtypes: Any) -> SwishOperator:
        return SwishOperator(self.beta)


def custom() -> None:
    """A network with an operator that is defined in Python."""
    x = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=6, name="fc1")
    x = mx.sym.Custom(x, op_type="scaled_swish", beta=1.5, name="swish1")
    x = mx.sym.FullyConnected(x, num_hidden=3, name="fc2")
    save("custom", "swish", x, {"data": np.random.RandomState(0).randn(2, 5).astype(np.float32)})


NETWORKS: dict[str, Callable[[], None]] = {
    function.__name__: function
    for function in (
        arcface,
        retinaface,
        mtcnn,
        classification,
        detection,
        sagemaker_image_classification,
        sagemaker_object_detection,
        bert,
        lstm,
        only_params,
        custom,
    )
}


if __name__ == "__main__":
    for network in sys.argv[1:] or NETWORKS:
        NETWORKS[network]()
