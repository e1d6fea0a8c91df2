"""Our own OPC UA server: what SCADA sees of a line. It shows, and takes acknowledgements only."""
