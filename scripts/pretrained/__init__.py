"""The pretrained scorers of hepad-models/: training, packing, checking, and their cards."""
