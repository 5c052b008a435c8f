"""Run emitted modules through the ways of deployment that PyTorch has, and write docs/deployment.md.

    export NEUTRAL_MXNET_PYTHON=/path/to/python-with-mxnet PYTHONPATH=tests/support
    python zoo/deployment.py                                      # what has not been run; up to an hour or two
    python zoo/deployment.py --ways script,fx 'gluoncv/ssd*'      # two ways, and networks that match, again

Needs torch, onnxscript and onnxruntime, and a Python with MXNet 1.9.1, GluonCV 0.10.5 and GluonNLP 0.10.0. The networks
are those of the zoo matrix, with random parameters, and real checkpoints where the folder of real data is. Stores are
kept in ``--folder``: a later run needs no MXNet for them. So are the results, one by one: an interrupted run resumes
there, and a network that is named, or whose emitted source has changed since, is run again.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
import traceback
import warnings
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Iterable

import deployment_page
import torch
from deployment_page import COMPILED, Results
from deployment_ways import WAYS, Example

import neutral
import neutral_to_torch
from mxnet_side.client import MXNet, mxnet_python
from neutral.verification.golden import open_golden
from shared_data import shared_data_folder

PAGE = Path(__file__).resolve().parents[1] / "docs" / "deployment.md"

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


def example_of(folder: Path) -> tuple[Example, str]:
    """Build the module of a store, with the inputs of its golden file.

    Returns:
        The example, and the name of the emitted source, which is another one for another source.
    """
    with neutral.open(folder / "store.safetensors") as store:
        module = neutral_to_torch.build(store)
        free = {item.name: item.shape for item in store.graph.inputs}
        casts = any(node.kind == "cast" and node.attributes["dtype"] == "float32" for node in store.graph.nodes)
    recorded = open_golden(folder / "golden.safetensors")
    arrays = {item.name: torch.from_numpy(recorded.array(item.key)) for item in recorded.inputs}
    axes = [_batch_axis(shape) for shape in free.values()]
    return Example(module, [arrays[name] for name in free], axes, casts), type(module).__module__


def _batch_axis(shape: tuple[int | None, ...] | None) -> int | None:
    """Return the first axis whose extent is free; None if all are stated."""
    return 0 if shape is None else next((i for i, extent in enumerate(shape) if extent is None), None)


def run_way(example: Example, way: str, verbose: bool) -> dict[str, Any]:
    """Run one way, and return its result: ``equal``, how it differs, or its error's first line."""
    start = time.monotonic()
    try:
        result = WAYS[way](example)
    except Exception as error:
        if verbose:
            traceback.print_exc()
        lines = [line for line in str(error).splitlines() if line.strip()] or [""]
        result = f"{type(error).__name__}: {lines[0].strip()}"[:300]
    gc.collect()
    return {"result": result, "seconds": round(time.monotonic() - start, 1), "torch": torch.__version__}


def load(path: Path) -> Results:
    """Read the last result of each network and way."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {(row["network"], row["way"]): row for row in map(json.loads, lines)}


def matching(patterns: Iterable[str]) -> list[str]:
    """Return the networks that match one of the patterns; all without patterns."""
    patterns = list(patterns)
    names = [*NETWORKS.split(), *REAL]
    return [name for name in names if not patterns or any(fnmatch(name, pattern) for pattern in patterns)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patterns", nargs="*", help="networks to run again: shell patterns of zoo/name (default: all)")
    parser.add_argument("--ways", default=",".join(WAYS), help="ways to run, of: %(default)s")
    parser.add_argument("--folder", type=Path, default=Path("build/deployment"), metavar="FOLDER")
    parser.add_argument(
        "--keep", action="store_true", help="run networks that are named only where a result is missing"
    )
    parser.add_argument("--reasons", action="store_true", help="print the errors in full")
    parser.add_argument("--page", action="store_true", help="only write the page from the results that there are")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    journal = options.folder / "results.jsonl"
    results = load(journal)
    if not options.page:
        again = bool(options.patterns) and not options.keep
        _run(matching(options.patterns), options.ways.split(","), options, again, results, journal)
    PAGE.write_text(deployment_page.document(matching([]), list(WAYS), results), encoding="utf-8")


def _run(names: list[str], ways: list[str], options: Any, again: bool, results: Results, journal: Path) -> None:
    """Run what has no result for the emitted source of now, and append each result to the journal."""
    mxnet: MXNet | None = None
    for name in names:
        folder = options.folder / name
        if not (folder / "store.safetensors").exists():
            folder.mkdir(parents=True, exist_ok=True)
            python = mxnet_python()
            if python is None:
                sys.exit("MXNet is not installed: set NEUTRAL_MXNET_PYTHON to a Python that has it")
            mxnet = mxnet or MXNet(python)
            make(name, mxnet, folder)
        example, source = example_of(folder)
        for way in ways:
            former = results.get((name, way), {})
            if (way == "inductor" and name not in COMPILED) or (not again and former.get("source") == source):
                continue
            row = {"network": name, "way": way, "source": source, **run_way(example, way, options.reasons)}
            results[name, way] = row
            with journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{name} {way}: {row['result']} ({row['seconds']} s)", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
