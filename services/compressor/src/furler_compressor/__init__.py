"""Furler's compression service: gRPC in front of the engine and the stores."""
