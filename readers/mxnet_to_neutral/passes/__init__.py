"""Graph passes of the reader: rewrite patterns of MXNet's operators as single operators of the catalogue."""

from __future__ import annotations

from mxnet_to_neutral.drafts import Conversion
from mxnet_to_neutral.passes.drop_training_outputs import drop_training_outputs
from mxnet_to_neutral.passes.drop_unused import drop_unused
from mxnet_to_neutral.passes.fuse_bidirectional_rnn import fuse_bidirectional_rnn
from mxnet_to_neutral.passes.fuse_rnn_cells import fuse_rnn_cells
from mxnet_to_neutral.passes.fuse_unrolled_rnn import fuse_unrolled_rnn
from mxnet_to_neutral.passes.split_interleaved_qkv import split_interleaved_qkv
from neutral.rewriting import Pass

_DROP_UNUSED: Pass[Conversion] = Pass(
    "drop_unused", "Remove nodes and inputs that no output depends on: labels, unpacked weights.", drop_unused
)

PASSES: tuple[Pass[Conversion], ...] = (
    Pass(
        "drop_training_outputs",
        "Remove outputs that depend on training targets, such as losses, if other outputs are left.",
        drop_training_outputs,
    ),
    Pass(
        "split_interleaved_qkv",
        "Rewrite self-attention over interleaved query, key and value weights as attention over three linear layers.",
        split_interleaved_qkv,
    ),
    Pass("fuse_rnn_cells", "Fuse the gate arithmetic of LSTM, GRU and RNN cells into cell operators.", fuse_rnn_cells),
    Pass(
        "fuse_unrolled_rnn",
        "Fuse cells that are unrolled over the steps of a sequence into layers over the sequence.",
        fuse_unrolled_rnn,
    ),
    _DROP_UNUSED,
    Pass(
        "fuse_bidirectional_rnn",
        "Fuse a forward and a backward layer over one sequence into a bidirectional layer.",
        fuse_bidirectional_rnn,
    ),
    _DROP_UNUSED,
)
"""The passes in their order.

Training outputs go first: they count as uses of intermediate values, which would keep patterns from being fused.
Cells are fused before unrolled layers, which consist of cells. Unused nodes are removed before bidirectional layers are
fused, since a use of final states prevents that, and afterwards, since the fusion leaves reversed inputs behind.
"""
