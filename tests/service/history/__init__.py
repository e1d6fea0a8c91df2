"""Tests of the historian."""
