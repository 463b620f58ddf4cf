"""What the outside speaks: crypto, payloads and clients, one package a channel."""
