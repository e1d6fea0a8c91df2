"""The command line (placeholder until the verbs stand)."""


def main() -> None:
    """Run the command line."""
