"""PREDICT: physics of the coater and the mixer, once to control with and once to be the plant."""
