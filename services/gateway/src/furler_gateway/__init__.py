"""Furler's edge: everything that is not gRPC, in front of the compressor."""
