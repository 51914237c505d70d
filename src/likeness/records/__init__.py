"""What Likeness keeps, as frozen dataclasses, one concept a file."""
