"""DECIDES: a snapshot goes in, a plan comes out. Never sees the wire or the gate."""
