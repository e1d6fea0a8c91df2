"""SPEAKS: the only wire, OPC UA and Modbus."""
