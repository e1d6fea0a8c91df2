"""The operator page: a process of its own with no route to any PLC."""
