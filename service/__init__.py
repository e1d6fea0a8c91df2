"""RUNS: the cycle, the engine, the worker processes, the operator page. Read cycle.py first."""
