"""A net that paints arrays."""

import os

DISABLE_TELEMETRY = "ORT_DISABLE_TELEMETRY"
"""What onnxruntime looks for when it is loaded. Its official builds else report to Microsoft how they are used, and keep
an identifier of the machine for it. 0 allows that."""

os.environ.setdefault(DISABLE_TELEMETRY, "1")
