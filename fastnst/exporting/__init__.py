"""Trained nets as ONNX files (needs torch)."""
