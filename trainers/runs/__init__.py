"""A run: flags, folder, checkpoints, training, and the figures of a flow."""
