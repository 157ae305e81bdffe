"""The gRPC face: proto to app and back, interceptors, the server."""
