"""One search method a file or folder; `bilinear.discover.solver.SOLVERS` lists them."""
