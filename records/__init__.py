"""REMEMBERS: the hash-chained record of every cycle."""
