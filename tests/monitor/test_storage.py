"""What the state lies on: told from the mounts, with how sure that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor import storage

# As a container, a pod and a host show them.
UNNAMED = "3f29c0de" * 8
DOCKER = f"""\
1024 870 0:177 / / rw,relatime master:351 - overlay overlay rw,lowerdir=/l,upperdir=/u
1027 1024 0:181 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
1100 1024 8:1 /var/lib/docker/volumes/phasewatch/_data /app/var rw,relatime - ext4 /dev/sda1 rw
1101 1024 8:1 /var/lib/docker/volumes/{UNNAMED}/_data /data rw - ext4 /dev/sda1 rw
1102 1024 0:190 / /scratch\\040disk rw - tmpfs tmpfs rw
"""
POD = """\
1 0 0:50 / / rw - overlay overlay rw
2 1 8:1 /var/lib/kubelet/pods/1d0c/volumes/kubernetes.io~empty-dir/state /state rw - ext4 /dev/sda1 rw
3 1 8:2 / /disk rw - ext4 /dev/sdb rw
"""


@pytest.mark.parametrize(
    ("mounts", "folder", "kind", "lasts"),
    [
        (DOCKER, "/app", "overlay", False),
        (DOCKER, "/app/var", "ext4", True),
        (DOCKER, "/app/various", "overlay", False),
        (DOCKER, "/data/deeper", "unnamed volume", None),
        (DOCKER, "/scratch disk", "tmpfs", False),
        (POD, "/state", "emptyDir", False),
        (POD, "/disk/var", "ext4", True),
        ("", "/anything", "unknown", None),
        ("garbage\n - \n1 2 3", "/", "unknown", None),
    ],
)
def test_it_is_told_from_the_mounts(mounts: str, folder: str, kind: str, lasts: bool | None) -> None:
    """The nearest mount above the folder decides."""
    found = storage.judge(Path(folder), mounts)
    assert (found.kind, found.lasts) == (kind, lasts)
    assert found.sentence


def test_a_later_mount_hides_an_earlier_one() -> None:
    """On the same point."""
    mounts = "1 0 8:1 / /var rw - ext4 /dev/sda1 rw\n2 1 0:9 / /var rw - tmpfs tmpfs rw\n"
    assert storage.judge(Path("/var/x"), mounts).kind == "tmpfs"


def test_the_real_thing(tmp_path: Path) -> None:
    """On this machine: shared memory does not last; a folder that is not there yet is judged by the one above."""
    assert storage.look(Path("/dev/shm/phasewatch/state.db")).lasts is False
    found = storage.look(tmp_path / "not" / "there" / "state.db")
    assert found.kind != "unknown"
    assert found.free_bytes
