"""Recurrent models in real MXNet: Gluon's layers and cells, and those of ``mx.rnn``."""

from __future__ import annotations

import json
from typing import Any, Callable, Mapping

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn, rnn

import mxnet_capture
from mxnet_side.models import randomise
from mxnet_side.operators import run_symbol

VOCABULARY, FEATURES, HIDDEN, STEPS, BATCH = 20, 6, 8, 5, 3


def run(model: str, inputs: Mapping[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    """Build the model of this name, save it with random parameters, and return its outputs."""
    built = MODELS[model]()
    cell, symbol = built if isinstance(built, tuple) else (None, built)
    arguments, _ = randomise(symbol, {name: array.shape for name, array in inputs.items()})
    arrays = {**inputs, **{name: array.asnumpy() for name, array in arguments.items()}}
    outputs = run_symbol(symbol, arrays, prefix, list(arguments))
    if cell is not None:
        mx.rnn.save_rnn_checkpoint(cell, prefix, 0, symbol, arguments, {})
    mxnet_capture.capture((symbol, arguments, {}), dict(inputs), f"{prefix}-golden.safetensors")
    return outputs


def capture_part(prefix: str, node: str, inputs: Mapping[str, np.ndarray], golden: str) -> None:
    """Write the golden file of a checkpoint up to a node, for symbols with a later operator that MXNet lacks."""
    with open(f"{prefix}-symbol.json") as file:
        document = json.load(file)
    last = [other["name"] for other in document["nodes"]].index(node)
    document["nodes"] = document["nodes"][: last + 1]
    document["arg_nodes"] = [index for index in document["arg_nodes"] if index <= last]
    document["heads"] = [[last, 0, 0]]
    document.pop("node_row_ptr", None)
    symbol = mx.sym.load_json(json.dumps(document))
    arrays = {name[4:]: array for name, array in mx.nd.load(f"{prefix}-0000.params").items()}
    stored = [
        {n: arrays[n] for n in names() if n in arrays}
        for names in (symbol.list_arguments, symbol.list_auxiliary_states)
    ]
    mxnet_capture.capture((symbol, *stored), dict(inputs), golden)


class _Network(gluon.HybridBlock):
    """Build a stack of layers with MXNet's default initial states."""

    def __init__(self, *layers: Any) -> None:
        super().__init__()
        with self.name_scope():
            self.body = nn.HybridSequential()
            self.body.add(*(make() for make in layers))

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.body(x)


def _traced(*layers: Callable[[], Any]) -> mx.sym.Symbol:
    return _Network(*layers)(mx.sym.var("data"))


def _dense() -> Any:
    return nn.Dense(4, flatten=False)


def gluon_lstm() -> mx.sym.Symbol:
    return _traced(lambda: rnn.LSTM(HIDDEN, 2, layout="NTC"), _dense)


def gluon_gru_both_ways() -> mx.sym.Symbol:
    return _traced(lambda: rnn.GRU(HIDDEN, 1, bidirectional=True, dropout=0.2), _dense)


def gluon_rnn() -> mx.sym.Symbol:
    return _traced(lambda: rnn.RNN(HIDDEN, 1, activation="relu"), lambda: rnn.RNN(HIDDEN, 2, activation="tanh"))


def gluon_projected() -> mx.sym.Symbol:
    return _traced(lambda: rnn.LSTM(HIDDEN, 2, projection_size=3), _dense)


def gluon_states() -> mx.sym.Symbol:
    """Build a layer with its states as inputs and outputs."""
    output, states = rnn.LSTM(HIDDEN, 1)(mx.sym.var("data"), [mx.sym.var("h"), mx.sym.var("c")])
    return mx.sym.Group([output, *states])


def language_model() -> mx.sym.Symbol:
    """Build a language model whose decoder shares its weight with the embedding."""
    weight, data = mx.sym.var("embed_weight"), mx.sym.var("data")
    x = mx.sym.Embedding(data, weight, input_dim=VOCABULARY, output_dim=HIDDEN, name="embed")
    x = mx.sym.Dropout(x, p=0.2)
    x = rnn.LSTM(HIDDEN, 2, dropout=0.2, prefix="lstm_")(x)
    return mx.sym.FullyConnected(x, weight, num_hidden=VOCABULARY, flatten=False, name="decoder")


def _unrolled(cell: Any, layout: str = "NTC", merged: bool | None = True, **options: Any) -> Any:
    return cell.unroll(STEPS, mx.sym.var("data"), layout=layout, merge_outputs=merged, **options)


def lstm_cell() -> mx.sym.Symbol:
    output, states = _unrolled(rnn.LSTMCell(HIDDEN))
    return mx.sym.Group([output, *states])


def gru_cell() -> mx.sym.Symbol:
    output, states = _unrolled(rnn.GRUCell(HIDDEN), layout="TNC")
    return mx.sym.Group([output, *states])


def rnn_cell() -> mx.sym.Symbol:
    """Return a list of outputs as it is."""
    return mx.sym.Group(_unrolled(rnn.RNNCell(HIDDEN, activation="relu"), merged=False)[0])


def last_output() -> mx.sym.Symbol:
    """Build a classifier on the last step of a cell whose initial state is an input."""
    state = [mx.sym.var("h"), mx.sym.var("c")]
    outputs, _ = _unrolled(rnn.LSTMCell(HIDDEN), merged=False, begin_state=state)
    return mx.sym.FullyConnected(outputs[-1], num_hidden=4, name="fc")


def stacked_cells() -> mx.sym.Symbol:
    """Build a stack of cells of several types, with dropout and a residual connection."""
    cell = rnn.SequentialRNNCell()
    cell.add(rnn.LSTMCell(HIDDEN, prefix="first_"))
    cell.add(rnn.DropoutCell(0.3))
    cell.add(rnn.ResidualCell(rnn.GRUCell(HIDDEN, prefix="second_")))
    cell.add(rnn.RNNCell(HIDDEN, prefix="third_"))
    return _unrolled(cell)[0]


def both_ways() -> mx.sym.Symbol:
    return _unrolled(rnn.BidirectionalCell(rnn.LSTMCell(HIDDEN, prefix="l_"), rnn.LSTMCell(HIDDEN, prefix="r_")))[0]


def zoneout() -> mx.sym.Symbol:
    return _unrolled(rnn.ZoneoutCell(rnn.LSTMCell(HIDDEN), 0.2, 0.3))[0]


def variational_lstm() -> mx.sym.Symbol:
    return _unrolled(mx.gluon.contrib.rnn.VariationalDropoutCell(rnn.LSTMCell(HIDDEN), 0.3, 0.2, 0.1))[0]


def variational_gru() -> mx.sym.Symbol:
    return _unrolled(mx.gluon.contrib.rnn.VariationalDropoutCell(rnn.GRUCell(HIDDEN), 0.3, 0.2, 0.1))[0]


def convolutional_cell() -> mx.sym.Symbol:
    """Build a convolutional cell with zero initial states for any batch size."""
    cell = gluon.contrib.rnn.Conv2DLSTMCell((FEATURES, 7, 5), HIDDEN, 3, 3, i2h_pad=1)
    return cell.unroll(3, mx.sym.var("data"), layout="NTC", merge_outputs=False)[0][-1]


def valid_length() -> mx.sym.Symbol:
    """Build a layer for sequences of different lengths: masked outputs and each sample's last states."""
    output, states = _unrolled(rnn.LSTMCell(HIDDEN), valid_length=mx.sym.var("length"))
    return mx.sym.Group([output, *states])


def encoder_decoder() -> mx.sym.Symbol:
    """Build an encoder, and a decoder that starts from its states and reads its own outputs."""
    _, states = _unrolled(rnn.LSTMCell(HIDDEN, prefix="encoder_"))
    decoder, x, outputs = rnn.LSTMCell(HIDDEN, prefix="decoder_"), mx.sym.var("start"), []
    weight, bias = mx.sym.var("out_weight"), mx.sym.var("out_bias")
    for _ in range(3):
        x, states = decoder(x, states)
        x = mx.sym.tanh(mx.sym.FullyConnected(x, weight, bias, num_hidden=FEATURES))
        outputs.append(x)
    return mx.sym.stack(*outputs, axis=1)


def loop_of_cells() -> mx.sym.Symbol:
    """Build a Gluon cell in a loop operator."""
    cell = rnn.GRUCell(HIDDEN, input_size=FEATURES)
    outputs, states = mx.sym.contrib.foreach(lambda x, s: cell(x, s), mx.sym.var("data"), [mx.sym.var("h")])
    return mx.sym.Group([outputs, *states])


def _linear(x: Any, weights: Any) -> Any:
    return mx.sym.FullyConnected(x, *weights, num_hidden=4 * HIDDEN)


def gates_in_another_order() -> mx.sym.Symbol:
    """Build the LSTM of MXNet's first examples: input gate, cell, forget gate, output gate."""
    h, c, steps = mx.sym.var("init_h"), mx.sym.var("init_c"), []
    names = ("i2h_weight", "i2h_bias", "h2h_weight", "h2h_bias")
    weights = [mx.sym.var(f"l0_{name}") for name in names]
    for x in mx.sym.SliceChannel(mx.sym.var("data"), num_outputs=STEPS, axis=1, squeeze_axis=True):
        gates = _linear(x, weights[:2]) + _linear(h, weights[2:])
        i, g, f, o = mx.sym.SliceChannel(gates, num_outputs=4)
        c = mx.sym.sigmoid(f) * c + mx.sym.sigmoid(i) * mx.sym.tanh(g)
        h = mx.sym.sigmoid(o) * mx.sym.tanh(c)
        steps.append(h)
    return mx.sym.FullyConnected(mx.sym.Concat(*steps, dim=0), num_hidden=4, name="fc")


def _bucket(cell: Any) -> tuple[Any, mx.sym.Symbol]:
    """Build a bucketing model's symbol for one length, as in the examples of ``mx.rnn``."""
    x = mx.sym.Embedding(mx.sym.var("data"), input_dim=VOCABULARY, output_dim=FEATURES, name="embed")
    outputs, _ = cell.unroll(STEPS, x, layout="NTC", merge_outputs=True)
    x = mx.sym.FullyConnected(mx.sym.Reshape(outputs, shape=(-1, HIDDEN)), num_hidden=VOCABULARY, name="pred")
    label = mx.sym.Reshape(mx.sym.var("softmax_label"), shape=(-1,))
    return cell, mx.sym.SoftmaxOutput(x, label, name="softmax")


def bucketing_fused() -> tuple[Any, mx.sym.Symbol]:
    return _bucket(mx.rnn.FusedRNNCell(HIDDEN, num_layers=2, mode="lstm", prefix="lstm_"))


def bucketing_fused_both_ways() -> tuple[Any, mx.sym.Symbol]:
    return _bucket(mx.rnn.FusedRNNCell(HIDDEN // 2, num_layers=2, mode="gru", bidirectional=True, prefix="gru_"))


def bucketing_fused_rnn() -> tuple[Any, mx.sym.Symbol]:
    return _bucket(mx.rnn.FusedRNNCell(HIDDEN, num_layers=1, mode="rnn_tanh", prefix="rnn_"))


def bucketing_cells() -> tuple[Any, mx.sym.Symbol]:
    cell = mx.rnn.SequentialRNNCell()
    cell.add(mx.rnn.LSTMCell(HIDDEN, prefix="lstm_l0_"))
    cell.add(mx.rnn.DropoutCell(0.3))
    cell.add(mx.rnn.GRUCell(HIDDEN, prefix="gru_l1_"))
    return _bucket(cell)


def bucketing_both_ways() -> tuple[Any, mx.sym.Symbol]:
    one, other = (mx.rnn.LSTMCell(HIDDEN // 2, prefix=prefix) for prefix in ("l_", "r_"))
    return _bucket(mx.rnn.BidirectionalCell(one, other))


def bucketing_zoneout() -> tuple[Any, mx.sym.Symbol]:
    return _bucket(mx.rnn.ZoneoutCell(mx.rnn.LSTMCell(HIDDEN, prefix="lstm_"), 0.2, 0.3))


def packed() -> mx.sym.Symbol:
    """Save a fused cell with its parameters in one vector, as a plain checkpoint has them."""
    return bucketing_fused()[1]


MODELS: Mapping[str, Callable[[], Any]] = {
    function.__name__: function
    for function in (
        gluon_lstm, gluon_gru_both_ways, gluon_rnn, gluon_projected, gluon_states, language_model, lstm_cell, gru_cell,
        rnn_cell, last_output, stacked_cells, both_ways, zoneout, valid_length, encoder_decoder, loop_of_cells,
        bucketing_fused, bucketing_fused_both_ways, bucketing_fused_rnn, bucketing_cells, bucketing_both_ways,
        bucketing_zoneout, packed, gates_in_another_order, convolutional_cell, variational_lstm, variational_gru,
    )
}  # fmt: skip
