"""The page: thin over the runtime, on Gradio."""
