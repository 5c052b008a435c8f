"""Lower a store's graph to an ONNX graph by the rules of the kinds."""
