"""Several jobs of one search at once, on this machine or on a cluster: rounds of pure functions, on Dask."""
