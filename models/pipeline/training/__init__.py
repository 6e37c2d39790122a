"""Trains the encoder family: corpus, pretrain, generate, credible, distil. Needs PyTorch (models/training.lock)."""
