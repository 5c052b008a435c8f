"""Networks of MXNet's zoos and the same networks by others: torchvision's, timm's, and transformers'.

torchvision comes without its compiled operators where its build does not fit torch's; none of these networks needs
them, so they are declared to let it be imported.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Mapping


@dataclass(frozen=True)
class Twin:
    """``maker`` makes the module that another project has for an MXNet model; ``quick`` ones are in every test run."""

    model: str
    maker: str
    options: Mapping[str, Any] = field(default_factory=dict)
    quick: bool = False

    def module(self) -> Any:
        path, _, name = self.maker.rpartition(".")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            declare_operators()
            if path == "timm":
                return importlib.import_module("timm").create_model(name, pretrained=False, **self.options).eval()
            kind = getattr(importlib.import_module(path), name)
            if path == "transformers":
                return kind(kind.config_class(**self.options)).eval()
            return kind(**self.options).eval()


VISION = "torchvision.models"
PLAIN = {"init_weights": False, "aux_logits": False, "transform_input": False}

TWINS = (
    Twin("mxnet/resnet18_v1", f"{VISION}.resnet18", quick=True),
    Twin("gluoncv/resnet34_v1b", f"{VISION}.resnet34"),
    Twin("gluoncv/resnet50_v1b", f"{VISION}.resnet50", quick=True),
    Twin("gluoncv/resnet50_v1b", "transformers.ResNetForImageClassification", {"num_labels": 1000}),
    Twin("gluoncv/resnet101_v1b", f"{VISION}.resnet101"),
    Twin("gluoncv/resnet152_v1b", f"{VISION}.resnet152"),
    Twin("gluoncv/resnext50_32x4d", f"{VISION}.resnext50_32x4d"),
    Twin("gluoncv/resnext101_64x4d", f"{VISION}.resnext101_64x4d"),
    Twin("mxnet/squeezenet1_0", f"{VISION}.squeezenet1_0", quick=True),
    Twin("mxnet/squeezenet1_1", f"{VISION}.squeezenet1_1"),
    Twin("mxnet/densenet121", f"{VISION}.densenet121", quick=True),
    Twin("mxnet/densenet161", f"{VISION}.densenet161"),
    Twin("mxnet/densenet169", f"{VISION}.densenet169"),
    Twin("mxnet/densenet201", f"{VISION}.densenet201"),
    Twin("gluoncv/googlenet", f"{VISION}.googlenet", PLAIN, quick=True),
    Twin("mxnet/inception_v3", f"{VISION}.inception_v3", PLAIN),
    Twin("gluoncv/mobilenetv3_large", f"{VISION}.mobilenet_v3_large", quick=True),
    Twin("gluoncv/shufflenet_v2", f"{VISION}.shufflenet_v2_x1_0", quick=True),
    Twin("gluoncv/r2plus1d_resnet18_kinetics400", f"{VISION}.video.r2plus1d_18"),
    Twin("gluoncv/mobilenetv2_1.0", "timm.mobilenetv2_100", quick=True),
    Twin("gluoncv/resnet50_v1c", "timm.resnet50c"),
    Twin("gluoncv/resnet50_v1d", "timm.resnet50d", quick=True),
    Twin("gluoncv/resnet50_v1s", "timm.resnet50s"),
    Twin("gluoncv/resnet101_v1c", "timm.resnet101c"),
    Twin("gluoncv/resnet101_v1d", "timm.resnet101d"),
    Twin("gluoncv/resnet101_v1s", "timm.resnet101s"),
    Twin("gluoncv/resnet152_v1d", "timm.resnet152d"),
    Twin("gluoncv/resnext101_32x4d", "timm.resnext101_32x4d"),
    Twin("gluoncv/se_resnext50_32x4d", "timm.seresnext50_32x4d", quick=True),
    Twin("gluoncv/se_resnext101_32x4d", "timm.seresnext101_32x4d"),
    Twin("gluoncv/resnest14", "timm.resnest14d", quick=True),
    Twin("gluoncv/resnest26", "timm.resnest26d"),
    Twin("gluoncv/resnest50", "timm.resnest50d"),
    Twin("gluoncv/hrnet_w18_small_v1_c", "timm.hrnet_w18_small", quick=True),
    Twin("gluoncv/hrnet_w18_small_v2_c", "timm.hrnet_w18_small_v2"),
    Twin("gluoncv/hrnet_w18_c", "timm.hrnet_w18"),
)


_declared: list[Any] = []


@lru_cache(maxsize=None)
def declare_operators() -> None:
    """Let torchvision be imported beside a torch that its compiled operators do not load in.

    Where they load, declaring them again would abort the process; a child finds out.
    """
    import torch

    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return
    if subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True).returncode == 0:
        return
    text = (Path(spec.origin).parent / "_meta_registrations.py").read_text(encoding="utf-8")
    names = re.findall(r"(?:register_meta\(\"|torch\.ops\.torchvision\.|torchvision::)(\w+)", text)
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in sorted(set(names)):
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}(Tensor x) -> Tensor")
    _declared.append(library)
