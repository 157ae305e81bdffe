"""What stands behind the ports: stores, engine runners. wrap/ decorates the same ports."""
