"""The historian: follows the records and keeps trends, cycles and batches where people can ask.

It is a copy for looking at, never evidence: every row names the record it was made from, and can be
made again from the records. Nothing here runs in the engine's process.
"""
