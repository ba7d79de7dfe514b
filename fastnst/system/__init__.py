"""The machine: files, interrupts, memory, the terminal."""
