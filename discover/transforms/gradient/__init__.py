"""Fast transforms by gradients: butterflies and relaxed permutations, many trials in one tensor."""
