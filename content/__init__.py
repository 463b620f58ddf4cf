"""What is said: content packs as data files, and the loader that checks them."""
