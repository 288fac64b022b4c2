"""One search method a file or folder; `bilinear.discover.engine.solver.SOLVERS` lists them."""
