"""What Likeness keeps, as frozen dataclasses: one concept a file, standard library and numpy only."""
