"""Image classifiers trained with STL and StrassenNets layers, and with dense ones beside them."""
