"""Programs that train and convert real models."""
