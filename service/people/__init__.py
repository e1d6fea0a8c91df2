"""People of a line: roles, accounts, sessions, and what they sign."""
