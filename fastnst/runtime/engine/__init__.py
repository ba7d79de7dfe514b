"""Engine: a net that paints arrays."""

import os

DISABLE_TELEMETRY = "ORT_DISABLE_TELEMETRY"
"""Environment variable that onnxruntime reads when it is loaded. Without it, the official builds report their use to
Microsoft, with an identifier of the machine. 0 allows that."""

os.environ.setdefault(DISABLE_TELEMETRY, "1")
