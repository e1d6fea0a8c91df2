"""Pages of tables for people who read and sign: as HTML that needs no network, and as PDF."""
