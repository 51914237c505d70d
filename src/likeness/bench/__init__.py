"""Measures how fast Likeness is on this machine, alone or beside other software."""
