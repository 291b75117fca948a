"""A run's scorer taken away: as ONNX, as a program of torch.export, for hls4ml, with the proof that it says the same."""
