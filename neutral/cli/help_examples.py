"""Command lines that the help of each verb shows."""

from __future__ import annotations

EXAMPLES = {
    "migrate": (
        "migrate model -o migrated",
        "migrate net-symbol.json net-0003.params -o out --golden g.safetensors",
        "migrate model.tar.gz -o migrated --shape data=1,3,224,224 --onnx",
    ),
    "export": (
        "export model -o store.safetensors",
        "export model --epoch 3 -o store.safetensors",
        "export model.tar.gz -o store.h5",
    ),
    "inspect": (
        "inspect store.safetensors",
        "inspect model --shape data=1,3,224,224",
        "inspect store.safetensors --html network.html",
    ),
    "check": ("check store.safetensors", "check --data a.safetensors b.safetensors"),
    "convert": (
        "convert store.safetensors store.h5 --compression gzip",
        "convert store.safetensors parts/net.safetensors --max-shard-size 5GB",
    ),
    "diff": ("diff a.safetensors b.safetensors", "diff store.safetensors finetuned.pth --atol 1e-6"),
    "hash": ("hash store.safetensors", "hash model --json"),
    "cast": (
        "cast store.safetensors --to bfloat16 -o small.safetensors",
        "cast store.safetensors --to float16 --keep 'bn*' -o half.safetensors",
    ),
    "slice": (
        "slice store.safetensors 'stage1_*' -o stage.safetensors",
        "slice store.safetensors --until flatten0 -o backbone.safetensors",
    ),
    "merge": (
        "merge a.safetensors b.safetensors -o both.safetensors",
        "merge a.safetensors b.safetensors --prefix a. --prefix b. -o both.h5",
    ),
    "archive": ("archive models --to archive", "archive models more-models --to archive --workers 8"),
    "restore": ("restore store.safetensors -o original", "restore store.safetensors -o original --force"),
    "write": (
        "write tuned.pth --like store.safetensors -o served --epoch 1",
        "write tuned.pth --like store.safetensors -o served --mapping plan.toml",
    ),
    "load": (
        "load store.safetensors --into package.module:Net -o weights.pth",
        "load net.safetensors --into net.py:Net --golden g.safetensors -o w.pth",
        "load store.safetensors --into net.py:Net --save-plan plan.toml",
    ),
    "verify": (
        "verify store.safetensors --reference",
        "verify store.safetensors --golden g.safetensors --html report.html",
        "verify store.safetensors --golden golden.safetensors --into net.py:Net",
    ),
    "emit": (
        "emit store.safetensors -o model.py",
        "emit store.safetensors -o model.onnx",
        "emit store.safetensors -o hub --hub-layout",
    ),
    "run": (
        "run store.safetensors --input data=x.npy -o out.npz",
        "run store.safetensors --input data=x.npy --until flatten0 -o inner.npz",
    ),
    "golden": (
        "golden store.safetensors --shape data=2,3,224,224 -o g.safetensors",
        "golden store.safetensors --input data=x.npy -o g.safetensors",
    ),
    "doctor": ("doctor", "doctor --json"),
    "completion": ("completion bash", "completion fish"),
}
"""Examples by verb, without the program's name."""


def examples_text(verb: str) -> str | None:
    """Return the end of a verb's help.

    Args:
        verb: The verb.

    Returns:
        A heading and a command line for each example; None for a verb of another package.

    Example:
        >>> print(examples_text("hash"))
        examples:
          neutral hash store.safetensors
          neutral hash model --json
        >>> examples_text("of-another-package") is None
        True
    """
    examples = EXAMPLES.get(verb)
    return None if examples is None else "\n".join(("examples:", *(f"  neutral {example}" for example in examples)))
