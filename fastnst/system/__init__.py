"""What the machine gives: files, interrupts, memory, the terminal."""
