"""The Redis Cluster of docker-compose.yml comes up by its own script, and Furler works on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(os.geteuid() != 0, reason="names and addresses of its own need root")
@pytest.mark.skipif(
    not (shutil.which("valkey-cli") or shutil.which("redis-cli")),
    reason="no valkey-cli or redis-cli is installed (Debian: apt-get install redis-tools)",
)
def test_the_script_joins_three_nodes_once_and_a_content_comes_back_from_them(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
         sys.executable, str(ROOT / "tools/rehearsal/cluster.py"), str(tmp_path)],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert "cluster_known_nodes:3" in report["info"]
    assert report["nodes"].count("master") == 3
    # It stays for its health check, also where the cluster was there before it.
    assert report["stayed"] == [True, True]
    (store,) = (check for check in report["checks"] if check["name"] == "store")
    assert (store["state"], store["advice"]) == ("ok", "")
