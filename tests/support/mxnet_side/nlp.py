"""Small models of GluonNLP with random parameters, exported by Gluon; each function returns the inputs."""

from __future__ import annotations

from typing import Any, Callable, Mapping

import mxnet as mx
import numpy as np

WORDS, UNITS = 60, 48


def _export(block: Any, prefix: str, inputs: list[np.ndarray]) -> dict[str, np.ndarray]:
    mx.random.seed(0)
    block.initialize(mx.init.Normal(0.1))
    block.hybridize()
    block(*map(mx.nd.array, inputs))
    for parameter in block.collect_params().values():
        if parameter.name.endswith(("bias", "beta", "gamma")):
            parameter.set_data(parameter.data() + mx.nd.random.normal(0, 0.1, parameter.shape))
    block.export(prefix)
    names = ["data"] if len(inputs) == 1 else [f"data{number}" for number in range(len(inputs))]
    return dict(zip(names, inputs))


def _words(*shape: int, count: int = WORDS) -> np.ndarray:
    return np.random.RandomState(0).randint(0, count, shape).astype("float32")


def _bert(**options: Any) -> Any:
    from gluonnlp.model.bert import BERTEncoder, BERTModel

    encoder = BERTEncoder(units=UNITS, hidden_size=96, max_length=32, num_layers=3, num_heads=4, dropout=0.1)
    sizes = {"vocab_size": WORDS, "token_type_vocab_size": 2, "units": UNITS, "embed_size": UNITS}
    return BERTModel(encoder=encoder, **sizes, **options)


def bert(prefix: str) -> dict[str, np.ndarray]:
    """Export BERT without lengths: no sequence is padded."""
    block = _bert(use_pooler=True, use_decoder=False, use_classifier=False)
    return _export(block, prefix, [_words(2, 10), _words(2, 10, count=2)])


def bert_of_lengths(prefix: str) -> dict[str, np.ndarray]:
    block = _bert(use_pooler=True, use_decoder=False, use_classifier=False)
    return _export(block, prefix, [_words(2, 10), _words(2, 10, count=2), np.array([10, 7], "float32")])


def bert_for_training(prefix: str) -> dict[str, np.ndarray]:
    """Export BERT with the scores of masked words and of the next sentence."""
    block = _bert(use_pooler=True, use_decoder=True, use_classifier=True)
    masked = np.array([[1, 3], [2, 5]], "float32")
    return _export(block, prefix, [_words(2, 10), _words(2, 10, count=2), np.array([10, 7], "float32"), masked])


def roberta(prefix: str) -> dict[str, np.ndarray]:
    from gluonnlp.model.bert import BERTEncoder, RoBERTaModel

    encoder = BERTEncoder(units=UNITS, hidden_size=96, max_length=32, num_layers=2, num_heads=4, activation="gelu")
    block = RoBERTaModel(encoder, vocab_size=WORDS, units=UNITS, embed_size=UNITS, use_decoder=False)
    return _export(block, prefix, [_words(2, 10), np.array([10, 7], "float32")])


def distilbert(prefix: str) -> dict[str, np.ndarray]:
    from gluonnlp.model.bert import BERTEncoder, DistilBERTModel

    encoder = BERTEncoder(units=UNITS, hidden_size=96, max_length=32, num_layers=2, num_heads=4, dropout=0.1)
    block = DistilBERTModel(encoder, vocab_size=WORDS, units=UNITS, embed_size=UNITS)
    return _export(block, prefix, [_words(2, 10), np.array([10, 7], "float32")])


def convolutional_encoder(prefix: str) -> dict[str, np.ndarray]:
    """Export ELMo's character encoder: convolutions of several widths, a maximum over time, highway layers."""
    from gluonnlp.model import ConvolutionalEncoder

    block = ConvolutionalEncoder(embed_size=12, num_filters=(4, 5), ngram_filter_sizes=(2, 3), num_highway=2)
    return _export(block, prefix, [np.random.RandomState(0).randn(7, 3, 12).astype("float32")])


MODELS: Mapping[str, Callable[[str], dict[str, np.ndarray]]] = {
    function.__name__: function
    for function in (bert, bert_of_lengths, bert_for_training, roberta, distilbert, convolutional_encoder)
}
