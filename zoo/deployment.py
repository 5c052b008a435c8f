"""Run emitted modules through the ways of deployment that PyTorch has, and print a table.

    export PYTHONPATH=tests/support
    python zoo/deployment.py                                      # all networks; an hour
    python zoo/deployment.py --ways script,fx 'gluoncv/ssd*'      # two ways, and networks that match

Needs torch, and a Python with MXNet 1.9.1, GluonCV 0.10.5 and GluonNLP 0.10.0 in the variable NEUTRAL_MXNET_PYTHON. The
networks are those of the zoo matrix, with random parameters, and real checkpoints where the folder of real data is.
Stores are kept in ``--folder``: a later run needs no MXNet for them.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
import time
import traceback
import warnings
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Callable

import torch

import neutral
import neutral_to_torch
from mxnet_side.client import MXNet, mxnet_python
from neutral.verification.golden import open_golden
from shared_data import shared_data_folder

NETWORKS = """
    mxnet/alexnet mxnet/densenet121 mxnet/inception_v3 mxnet/mobilenet0_25 mxnet/mobilenet_v2_0_25
    mxnet/resnet18_v1 mxnet/resnet50_v2 mxnet/squeezenet1_1 gluoncv/mobilenetv3_small gluoncv/se_resnext50_32x4d
    gluoncv/resnest14 gluoncv/shufflenet_v2 gluoncv/dla34 gluoncv/hrnet_w18_small_v1_s
    gluoncv/xception gluoncv/residualattentionnet56 gluoncv/icnet_resnet50_citys gluoncv/psp_resnet50_ade
    gluoncv/danet_resnet50_citys gluoncv/deeplab_resnet50_citys gluoncv/fastscnn_citys
    gluoncv/simple_pose_resnet18_v1b gluoncv/mobile_pose_mobilenetv3_small gluoncv/ssd_512_resnet18_v1_voc
    gluoncv/yolo3_mobilenet0.25_voc gluoncv/center_net_mobilenetv3_small_duc_voc
    gluoncv/center_net_resnet18_v1b_dcnv2_voc gluoncv/faster_rcnn_resnet50_v1b_voc
    gluoncv/mask_rcnn_fpn_resnet18_v1b_coco gluoncv/siamrpn_alexnet_v2_otb15
    gluoncv/monodepth2_resnet18_kitti_mono_640x192 gluoncv/i3d_nl5_resnet50_v1_kinetics400
    gluoncv/r2plus1d_resnet18_kinetics400 gluonnlp/bert gluonnlp/convolutional_encoder attention/decoder
    sequences/gluon_lstm sequences/bucketing_cells sequences/stacked_cells sequences/encoder_decoder
"""

REAL = {
    "real/det1": ("mxnet_mtcnn_face_detection/model/det1", 1, (2, 3, 37, 52)),
    "real/det3": ("mxnet_mtcnn_face_detection/model/det3", 1, (2, 3, 48, 48)),
    "real/LeNet": ("MXNet-Deep-Learning-in-Action/chapter4-toyClassification/output/LeNet", 10, (2, 1, 28, 28)),
}


def make(name: str, mxnet: MXNet, folder: Path) -> None:
    """Write the store of a network and its golden file to ``folder``."""
    import mxnet_to_neutral

    golden = folder / "golden.safetensors"
    if name in REAL:
        path, epoch, shape = REAL[name]
        prefix = str(shared_data_folder() / "real" / path)
        data = torch.rand(shape, generator=torch.Generator().manual_seed(0)).numpy()
        mxnet.call("models:capture", prefix=prefix, inputs={"data": data}, golden=str(golden), epoch=epoch)
    else:
        prefix, epoch = str(folder / "model"), 0
        mxnet.call("zoo:make", name=name, prefix=prefix, golden=str(golden))
    with mxnet_to_neutral.read(prefix, epoch) as store:
        store.save(folder / "store.safetensors")
    for path in folder.glob("model-*"):
        path.unlink()


class Example:
    """A module, the inputs that MXNet's outputs were recorded for, and what the module computes of them."""

    def __init__(self, folder: Path) -> None:
        with neutral.open(folder / "store.safetensors") as store:
            self.module = neutral_to_torch.build(store)
            names = [item.name for item in store.graph.inputs]
            free = {item.name: item.shape for item in store.graph.inputs}
        recorded = open_golden(folder / "golden.safetensors")
        arrays = {item.name: torch.from_numpy(recorded.array(item.key)) for item in recorded.inputs}
        self.inputs = tuple(arrays[name] for name in names)
        self.batches = [self._batch_axis(free[name]) for name in names]
        self.expected = leaves(self.run(self.module, self.inputs))

    @staticmethod
    def _batch_axis(shape: Any) -> int | None:
        """Return the first axis whose extent is free; None if all are stated."""
        return 0 if shape is None else next((i for i, extent in enumerate(shape) if extent is None))

    @staticmethod
    def run(function: Callable[..., Any], inputs: tuple[torch.Tensor, ...]) -> Any:
        torch.manual_seed(0)
        with torch.no_grad():
            return function(*inputs)

    def check(self, function: Callable[..., Any]) -> str:
        """Compare what ``function`` computes with the module."""
        actual = leaves(self.run(function, self.inputs))
        if len(actual) != len(self.expected):
            return f"{len(actual)} outputs instead of {len(self.expected)}"
        error = 0.0
        for one, other in zip(actual, self.expected):
            if one.shape != other.shape or one.dtype != other.dtype:
                return f"{one.dtype} {tuple(one.shape)} instead of {other.dtype} {tuple(other.shape)}"
            error = max(
                error, float((one - other).abs().max() / other.abs().max().clamp(min=1e-9)) if one.numel() else 0
            )
        return "equal" if error <= 1e-4 else f"differs by {error:.1e}"


def leaves(value: Any) -> list[torch.Tensor]:
    return [value] if isinstance(value, torch.Tensor) else [leaf for item in value for leaf in leaves(item)]


def script(example: Example) -> str:
    return example.check(torch.jit.script(example.module))


def fx(example: Example) -> str:
    return example.check(torch.fx.symbolic_trace(example.module))


def trace(example: Example) -> str:
    return example.check(torch.jit.trace(example.module, example.inputs, check_trace=False))


def half(example: Example) -> str:
    """Run the module in float16; outputs that the graph casts to float32 stay so."""
    inputs = tuple(item.half() if item.is_floating_point() else item for item in example.inputs)
    return lower(example, leaves(example.run(copy.deepcopy(example.module).half(), inputs)))


def autocast(example: Example) -> str:
    """Run the module under autocast to bfloat16."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return lower(example, leaves(example.run(example.module, example.inputs)))


def lower(example: Example, actual: list[torch.Tensor]) -> str:
    """Compare results of a lower precision: their count, shapes and kinds of dtype."""
    if len(actual) != len(example.expected):
        return f"{len(actual)} outputs instead of {len(example.expected)}"
    for one, other in zip(actual, example.expected):
        if one.shape != other.shape:
            return f"{tuple(one.shape)} instead of {tuple(other.shape)}"
        if one.is_floating_point() != other.is_floating_point():
            return f"{one.dtype} instead of {other.dtype}"
    return "equal"


def export(example: Example) -> str:
    """Export with every first free axis dynamic, and run with the sizes of the example."""
    axes = tuple({} if axis is None else {axis: torch.export.Dim.AUTO} for axis in example.batches)
    return example.check(
        torch.export.export(example.module, example.inputs, dynamic_shapes=axes, strict=False).module()
    )


def inductor(example: Example) -> str:
    torch._dynamo.reset()
    return example.check(torch.compile(example.module))


def onnx(example: Example) -> str:
    import io

    import onnxruntime

    axes = tuple({} if axis is None else {axis: torch.export.Dim.AUTO} for axis in example.batches)
    program = torch.onnx.export(example.module, example.inputs, dynamo=True, dynamic_shapes=axes, verbose=False)
    buffer = io.BytesIO()
    program.save(buffer)
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]

    def run(*inputs: torch.Tensor) -> list[torch.Tensor]:
        given = {name: item.numpy() for name, item in zip(names, inputs)}
        return [torch.from_numpy(item) for item in session.run(None, given)]

    return example.check(run)


WAYS: dict[str, Callable[[Example], str]] = {
    "script": script,
    "fx": fx,
    "trace": trace,
    "half": half,
    "autocast": autocast,
    "export": export,
    "inductor": inductor,
    "onnx": onnx,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patterns", nargs="*", help="networks to run: shell patterns of zoo/name (default: all)")
    parser.add_argument("--ways", default=",".join(WAYS), help="ways to run, of: %(default)s")
    parser.add_argument("--folder", type=Path, default=Path("build/deployment"), metavar="FOLDER")
    parser.add_argument("--reasons", action="store_true", help="print the errors in full")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    names = [*NETWORKS.split(), *REAL]
    names = [name for name in names if not options.patterns or any(fnmatch(name, p) for p in options.patterns)]
    ways = options.ways.split(",")
    mxnet: MXNet | None = None
    equal: Counter[str] = Counter()
    print("| network | " + " | ".join(ways) + " |\n|---|" + "---|" * len(ways))
    for name in names:
        folder = options.folder / name
        if not (folder / "store.safetensors").exists():
            folder.mkdir(parents=True, exist_ok=True)
            python = mxnet_python()
            if python is None:
                parser.error("MXNet is not installed: set NEUTRAL_MXNET_PYTHON to a Python that has it")
            mxnet = mxnet or MXNet(python)
            make(name, mxnet, folder)
        example = Example(folder)
        cells = []
        for way in ways:
            start = time.monotonic()
            try:
                result = WAYS[way](example)
            except Exception as error:
                if options.reasons:
                    traceback.print_exc()
                lines = [line for line in str(error).splitlines() if line.strip()] or [""]
                result = f"{type(error).__name__}: {lines[0].strip()}"[:160].replace("|", "\\|")
            equal[way] += result == "equal"
            cells.append(result)
            print(f"{name} {way}: {result} ({time.monotonic() - start:.1f} s)", file=sys.stderr, flush=True)
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print("| equal | " + " | ".join(f"{equal[way]} of {len(names)}" for way in ways) + " |")


if __name__ == "__main__":
    main()
