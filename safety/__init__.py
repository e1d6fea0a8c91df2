"""REFUSES: the words of a cycle, signal checks, interlocks, the gate. Standard library only."""
