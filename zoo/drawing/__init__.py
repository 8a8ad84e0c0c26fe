"""How results look: one style, and the drawings that use it."""
