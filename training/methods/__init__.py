"""How networks are trained: evolution strategies and surrogate gradients, one file each."""
