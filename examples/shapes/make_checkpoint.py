"""Train the example checkpoint with real MXNet, and capture its golden file.

    PYTHONPATH=readers python examples/shapes/make_checkpoint.py

Needs Python 3.8 to 3.11 with mxnet==1.9.1 and numpy<1.24. The data are synthetic: noisy 24 x 24 images of a disc, a
square, a cross or a ring. The network combines the layers that are hard to convert by hand: convolutions with and
without bias, BatchNorm with and without fix_gamma, PReLU slopes, a pooling layer with the 'full' convention, and a
training head with a label.
"""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np

import mxnet_capture

HERE = Path(__file__).resolve().parent

SIZE, CLASSES, EPOCHS = 24, 4, 6


def draw(kind: int, random: np.random.RandomState) -> np.ndarray:
    """Return one image (1, SIZE, SIZE) with values around 0 and 1."""
    y, x = np.mgrid[:SIZE, :SIZE]
    centre_y, centre_x = random.uniform(8, SIZE - 8, 2)
    radius = random.uniform(4, 7)
    dy, dx = np.abs(y - centre_y), np.abs(x - centre_x)
    distance = np.hypot(dy, dx)
    disc, square = distance < radius, np.maximum(dy, dx) < radius
    cross = square & (np.minimum(dy, dx) < 1.5)
    ring = disc & (distance > radius - 2)
    picture = (disc, square, cross, ring)[kind].astype(np.float32)
    return (picture + random.normal(0, 0.2, picture.shape).astype(np.float32))[None]


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(seed)
    labels = random.randint(0, CLASSES, count)
    return np.stack([draw(label, random) for label in labels]), labels.astype(np.float32)


def network() -> mx.sym.Symbol:
    def unit(x: mx.sym.Symbol, name: str, channels: int) -> mx.sym.Symbol:
        out = mx.sym.Convolution(x, num_filter=channels, kernel=(3, 3), pad=(1, 1), no_bias=True, name=f"conv{name}_2")
        out = mx.sym.BatchNorm(out, fix_gamma=False, eps=2e-5, name=f"bn{name}_2")
        out = mx.sym.LeakyReLU(out, act_type="prelu", name=f"relu{name}_2")
        out = mx.sym.Convolution(
            out, num_filter=channels, kernel=(3, 3), pad=(1, 1), no_bias=True, name=f"conv{name}_3"
        )
        out = mx.sym.BatchNorm(out, name=f"bn{name}_3")
        return x + out

    x = mx.sym.var("data")
    for stage, channels in (("1", 8), ("2", 16)):
        x = mx.sym.Convolution(x, num_filter=channels, kernel=(3, 3), stride=(2, 2), pad=(1, 1), name=f"conv{stage}_1")
        x = mx.sym.LeakyReLU(x, act_type="prelu", name=f"relu{stage}_1")
        x = unit(x, stage, channels)
    x = mx.sym.Pooling(x, kernel=(3, 3), stride=(2, 2), pool_type="max", pooling_convention="full", name="pool")
    x = mx.sym.FullyConnected(mx.sym.Flatten(x), num_hidden=CLASSES, name="fc")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def main() -> None:
    mx.random.seed(7)
    np.random.seed(7)
    images, labels = pictures(2048, seed=0)
    module = mx.mod.Module(network())
    module.fit(
        mx.io.NDArrayIter(images, labels, batch_size=64, shuffle=True),
        eval_data=mx.io.NDArrayIter(*pictures(256, seed=1), batch_size=64),
        optimizer="adam",
        optimizer_params={"learning_rate": 0.003},
        initializer=mx.init.Xavier(),
        num_epoch=EPOCHS,
    )
    module.save_checkpoint(str(HERE / "shapes"), EPOCHS)
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(HERE / "shapes"), EPOCHS)
    inputs = {"data": pictures(2, seed=2)[0]}
    mxnet_capture.capture((symbol, arguments, auxiliary), inputs, str(HERE / "golden.safetensors"))


if __name__ == "__main__":
    main()
