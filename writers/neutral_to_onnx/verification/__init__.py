"""Verify ONNX files by onnxruntime."""
