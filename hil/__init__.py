"""PRETENDS: virtual PLCs, the plant behind them, scenarios, the judge, the demo."""
