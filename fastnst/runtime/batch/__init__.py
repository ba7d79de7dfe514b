"""Many files: the job `stylize`."""
