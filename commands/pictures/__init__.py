"""Pictures of searches, campaigns, catalogs and schemes, in one style. Matplotlib is loaded here alone."""
