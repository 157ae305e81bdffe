"""What several tests share: real processes, inputs, waiting."""
