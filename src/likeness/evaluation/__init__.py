"""How often a model pack is right and wrong on labelled photos, and thresholds measured on them."""
