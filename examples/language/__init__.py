"""Language models that train: the character-aware model of StrassenNets, fine-tuning after conversion to STL."""
