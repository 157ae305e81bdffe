#!/bin/sh
# Join the named nodes to one cluster, once, then stay. Nodes are joined by address: the cluster's
# own protocol knows no names.
set -eu
port=${PORT:-6379}
first=$1
if ! valkey-cli -h "$first" -p "$port" cluster info | grep -q cluster_state:ok; then
    for node in "$@"; do
        shift
        set -- "$@" "$(getent hosts "$node" | cut -d' ' -f1):$port"
    done
    valkey-cli --cluster create "$@" --cluster-replicas 0 --cluster-yes
fi
exec sleep infinity
