"""The outward OPC UA server's process: it follows the records and has no route to any PLC."""
