"""Running styles: numpy and onnxruntime, never torch."""
