"""ANSWERS: the command line."""
