"""One search method a file or folder; `discover.solver.SOLVERS` lists them."""
