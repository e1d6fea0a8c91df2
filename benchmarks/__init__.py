"""Races and measurements; run as scripts, not part of the engine."""
