"""A run's scorer taken away, as ONNX or as a program of torch.export, with the proof that it says the same."""
