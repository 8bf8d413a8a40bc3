"""ONNX files, read as the exact networks of their weights."""
